import type { Report } from "../../api/types";
import { grouped } from "../../format/number";
import { PaperTable } from "./PaperTable";

/** Which rules of the plan left rows out, and how many. */
export function Filters({ rows }: { rows: Report["filters"] }) {
  return (
    <PaperTable
      title="Left out by rule"
      empty="The plan leaves no row out."
      heads={[{ word: "Mapping" }, { word: "Rule in the plan" }, { word: "Rows", figure: true }]}
      rows={rows.map(({ mapping, keep, parents, rows: count }) => [
        <span key="mapping" className="mono">
          {mapping}
        </span>,
        <span key="rule">
          {keep && (
            <>
              kept only where <span className="mono break-words">{keep}</span>
            </>
          )}
          {keep && parents.length > 0 && "; "}
          {parents.length > 0 && `left out with their ${parents.join(", ")}`}
        </span>,
        grouped(count),
      ])}
    />
  );
}
