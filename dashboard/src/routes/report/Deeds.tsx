import type { Report } from "../../api/types";
import { full } from "../../format/time";
import { PaperTable } from "./PaperTable";

interface Deed {
  at: string;
  actor: string;
  what: string;
}

/** Who did what: the run's own verbs, and what the audit has of it. */
export function Deeds({ report }: { report: Report }) {
  const deeds: Deed[] = [
    ...report.deeds.map(({ at, actor, verb }) => ({ at, actor, what: `${verb} of the run` })),
    ...report.audit.map(({ at, actor, action, outcome }) => ({ at, actor, what: `${action}, ${outcome}` })),
  ];
  return (
    <PaperTable
      title="Who did what"
      empty="Nobody did anything but start it."
      heads={[{ word: "Time" }, { word: "Who" }, { word: "What" }]}
      rows={deeds.sort((one, other) => Date.parse(one.at) - Date.parse(other.at)).map(({ at, actor, what }) => [full(new Date(at)), actor, what])}
    />
  );
}
