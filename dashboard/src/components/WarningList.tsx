import { Link } from "react-router";
import type { RunStatus } from "../api/types";
import { counted, grouped } from "../format/number";
import { spoken } from "../words/identifiers";
import { Card } from "./Card";
import { Icon } from "./Icon";

const MOST = 6;

interface WarningListProps extends Pick<RunStatus, "notices" | "warnings"> {
  /** Where all of them stand. */
  report: string;
}

/** What a run warns about: first as a whole, then by mapping and column, the most rows first. Nothing where it warns of nothing. */
export function WarningList({ notices, warnings, report }: WarningListProps) {
  if (notices.length + warnings.length === 0) return null;
  const first = [...warnings].sort((one, other) => other.rows - one.rows).slice(0, MOST);
  return (
    <Card title="Warnings" aside={<span className="xs muted">{counted(notices.length + warnings.length, "warning")}</span>}>
      <ul className="checks attention">
        {notices.map(({ code, table, message }) => (
          <li key={`${code} ${table}`}>
            <Icon name="warn" small />
            <div>
              <b>{spoken(code)}</b>
              <span className="soft">{message}</span>
            </div>
            <span className="mono xs muted">{table}</span>
          </li>
        ))}
        {first.map(({ mapping, code, column, rows }) => (
          <li key={`${code} ${mapping} ${column}`}>
            <Icon name="warn" small />
            <div>
              <b>{spoken(code)}</b>
              <span className="soft mono">{column ? `${mapping}.${column}` : mapping}</span>
            </div>
            <span className="num">{grouped(rows)}</span>
          </li>
        ))}
      </ul>
      {warnings.length > MOST && (
        <p className="fold">
          <Link className="link" to={report}>
            {grouped(warnings.length - MOST)} more in the report
          </Link>
        </p>
      )}
    </Card>
  );
}
