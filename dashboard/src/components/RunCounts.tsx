import type { Counts } from "../api/types";
import { counted, grouped } from "../format/number";
import { OUTCOMES } from "../words/states";
import { OutcomeMark } from "./OutcomeMark";

/** What came of a run's rows, and how much of it was warned about: only what is not 0. */
export function RunCounts({ counts, warningCount = 0 }: { counts: Counts; warningCount?: number }) {
  const shown = OUTCOMES.filter((outcome) => counts[outcome] > 0);
  if (shown.length === 0 && warningCount === 0) return <span className="xs muted">no row yet</span>;
  return (
    <span className="row wrap xs soft gap-x-3 gap-y-1">
      {shown.map((outcome) => (
        <OutcomeMark key={outcome} outcome={outcome}>
          {grouped(counts[outcome])} {outcome}
        </OutcomeMark>
      ))}
      {warningCount > 0 && <span>{counted(warningCount, "warning")}</span>}
    </span>
  );
}
