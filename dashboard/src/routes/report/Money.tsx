import type { Report } from "../../api/types";
import { spoken } from "../../words/identifiers";
import { SUM_STATES, sumText } from "../../words/sums";
import { PaperTable } from "./PaperTable";

/** Sums of money columns, exact: in the source, over what was loaded and left, in the target. */
export function Money({ rows }: { rows: Report["sums"] }) {
  return (
    <PaperTable
      title="Money"
      empty="The plan proves no sum."
      heads={[
        { word: "Sum of" },
        { word: "Source", figure: true },
        { word: "Loaded", figure: true },
        { word: "Refused", figure: true },
        { word: "Left out", figure: true },
        { word: "Target", figure: true },
        { word: "Result" },
      ]}
      rows={rows.map((sum) => [
        <span key="of" className="mono">
          {sum.mapping}.{sum.column}
        </span>,
        sumText(sum.source, sum.withheld),
        sumText(sum.loaded, sum.withheld),
        sumText(sum.refused, sum.withheld),
        sumText(sum.filtered, sum.withheld),
        sumText(sum.target, sum.withheld),
        [SUM_STATES[sum.state].word, sum.reason && spoken(sum.reason).toLowerCase()].filter(Boolean).join(": "),
      ])}
    />
  );
}
