import type { RunStatus } from "../api/types";
import { counted, grouped } from "../format/number";
import { spoken } from "../words/identifiers";
import { Card } from "./Card";
import { Icon } from "./Icon";

/** What a run warns about: first as a whole, then by mapping and column, the most rows first. Nothing where it warns of nothing. */
export function WarningList({ notices, warnings }: Pick<RunStatus, "notices" | "warnings">) {
  if (notices.length + warnings.length === 0) return null;
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
        {[...warnings]
          .sort((one, other) => other.rows - one.rows)
          .map(({ mapping, code, column, rows }) => (
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
    </Card>
  );
}
