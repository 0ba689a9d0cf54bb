import type { RunStatus } from "../api/types";
import { Tabs } from "../components/Tabs";
import { waitingOf } from "../words/resolved";
import { isDryRun, isVerifiable, writes } from "../words/kinds";

export type RunTab = "run" | "quarantine" | "verification" | "validation" | "events";

/** The parts of a run, with how many rows are to be decided. */
export function RunTabs({ runId, status, tab }: { runId: string; status: RunStatus; tab: RunTab }) {
  const verified = status.kind === "verify" || isVerifiable(status);
  return (
    <Tabs
      label="Run"
      tabs={[
        { word: status.phase === "completed" ? "Balance" : "Live", to: `/runs/${runId}`, current: tab === "run" },
        // A verify and an undo refuse nothing: they count what an earlier run refused, or what stays.
        ...(isDryRun(status) || writes(status)
          ? [
              {
                word: "Quarantine",
                to: `/runs/${runId}/quarantine`,
                current: tab === "quarantine",
                count: isDryRun(status) ? status.counts.quarantined : waitingOf(status),
              },
            ]
          : []),
        ...(verified ? [{ word: "Verification", to: `/runs/${runId}/verification`, current: tab === "verification" }] : []),
        ...(isDryRun(status) ? [{ word: "Validation", to: `/runs/${runId}/validation`, current: tab === "validation" }] : []),
        { word: "Report", to: `/runs/${runId}/report`, current: false },
        { word: "Plan", to: `/plans/${status.plan}?version=${status.planVersion}`, current: false },
        { word: "Events", to: `/runs/${runId}/events`, current: tab === "events" },
      ]}
    />
  );
}
