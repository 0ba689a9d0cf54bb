import type { Report } from "../../api/types";
import { mappingName } from "../../components/MappingTable";
import { grouped } from "../../format/number";
import { duration } from "../../format/time";
import { phaseSeconds } from "../../components/DurationBars";
import { phaseWord } from "../../words/phases";
import { PaperTable } from "./PaperTable";

/** How long each phase took, and each mapping from its first batch to its last. */
export function Times({ report }: { report: Report }) {
  const phases = phaseSeconds(report.phases);
  return (
    <PaperTable
      title="Where the time went"
      empty="Nothing was timed."
      heads={[{ word: "Phase or mapping" }, { word: "Took", figure: true }, { word: "Rows per second", figure: true }]}
      rows={[
        ...phases.map(({ phase, seconds }) => [phaseWord(phase), duration(seconds), "–"]),
        ...report.times.map((time) => [
          <span key="mapping" className="mono">
            {mappingName(time)}
          </span>,
          time.seconds === null ? "unknown" : duration(time.seconds),
          grouped(Math.floor(time.rowsPerSecond)),
        ]),
      ]}
    />
  );
}
