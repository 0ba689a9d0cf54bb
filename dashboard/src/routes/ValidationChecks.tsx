import type { Family, ValidationCheck } from "../api/types";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { Icon } from "../components/Icon";
import { Select } from "../components/Select";
import { classes } from "../components/classes";
import { counted, grouped } from "../format/number";
import { percentText } from "../format/percent";
import { useAddress } from "../shell/useAddress";
import { spoken } from "../words/identifiers";
import { FAMILIES } from "../words/validation";

const KINDS: readonly { value: string; word: string }[] = [
  { value: "", word: "all" },
  ...(Object.keys(FAMILIES) as Family[]).map((family) => ({ value: family, word: FAMILIES[family].word.toLowerCase() })),
];
const SHOWN = [
  { value: "", word: "with failing rows" },
  { value: "failed", word: "beyond the threshold" },
  { value: "all", word: "all" },
];
const WHOLE = 1e9;

/** The checks of a dry run, those that failed first; those that no row failed on request. */
export function ValidationChecks({ checks }: { checks: readonly ValidationCheck[] }) {
  const address = useAddress();
  const [family, show] = [address.get("family"), address.get("show")];
  const found = checks.filter(
    (check) => (family === "" || check.family === family) && (show === "all" || (show === "failed" ? !check.passed : check.failing > 0)),
  );
  return (
    <Card
      title={
        <>
          Checks <span className="soft font-text">{counted(found.length, "check")} of {grouped(checks.length)}</span>
        </>
      }
      aside={
        <div className="row wrap" role="group" aria-label="Filters">
          <Select label="Family" value={family} choices={KINDS} onChange={(next) => address.set({ family: next })} />
          <Select label="Show" value={show} choices={SHOWN} onChange={(next) => address.set({ show: next })} />
        </div>
      }
    >
      {found.length === 0 ? (
        <EmptyState title={show === "failed" ? "No check is beyond its threshold" : "No row failed a check"} icon="check" tone="completed">
          {counted(checks.length, "check")} {checks.length === 1 ? "was" : "were"} held against every row.
        </EmptyState>
      ) : (
        <CheckTable checks={found} />
      )}
    </Card>
  );
}

function CheckTable({ checks }: { checks: readonly ValidationCheck[] }) {
  return (
    <div className="scroll-x" role="region" aria-label="Checks by share of failing rows" tabIndex={0}>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Check</th>
            <th scope="col">Where</th>
            <th scope="col">Family</th>
            <th scope="col" className="num">
              Rows
            </th>
            <th scope="col" className="num">
              Failing
            </th>
            <th scope="col" className="num">
              Share
            </th>
            <th scope="col" className="num">
              Threshold
            </th>
          </tr>
        </thead>
        <tbody>
          {checks.map((check) => (
            <tr key={`${check.mapping} ${check.column} ${check.reason}`}>
              <td>
                <span className={classes("row gap-2 whitespace-nowrap", check.passed ? "completed" : "failed")}>
                  <span className="c-fill inline-flex">
                    <Icon name={check.passed ? "check" : "fail"} small />
                  </span>
                  {spoken(check.reason)}
                  <span className="sr">, {check.passed ? "passed" : "failed"}</span>
                </span>
              </td>
              <td className="mono">
                {check.mapping}
                {check.column && <span className="muted">.{check.column}</span>}
              </td>
              <td className="soft">{FAMILIES[check.family].word.toLowerCase()}</td>
              <td className="num">{grouped(check.checked)}</td>
              <td className={classes("num", check.failing === 0 && "zero")}>{grouped(check.failing)}</td>
              <td className={classes("num", !check.passed && "failed c-ink strong")}>{percentText(check.share * WHOLE, WHOLE)} %</td>
              <td className="num soft">{percentText(check.threshold * WHOLE, WHOLE)} %</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
