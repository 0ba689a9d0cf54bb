import { useState } from "react";
import { useParams } from "react-router";
import type { RunStatus } from "../api/types";
import { floorPercent } from "../format/percent";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useTitle } from "../shell/useTitle";
import { shortId } from "../words/identifiers";
import { isActive, STATES } from "../words/states";
import { Loaded } from "./Loaded";
import { RunBalance } from "./RunBalance";
import { RunHead } from "./RunHead";
import { RunLive } from "./RunLive";
import { RunNotes } from "./RunNotes";
import { RunTabs } from "./RunTabs";

/** One run. The page turns over as the run does: live figures while it moves, the balance when it is complete. */
export function Run() {
  const { id = "" } = useParams();
  const { query, status, stale } = useRun(id);
  useTitle(
    status && isActive(status.phase) ? `${Math.floor(status.progress.percentage)} %` : status && STATES[status.phase].word,
    status?.migration ?? "Run",
  );
  useCrumbs([
    { word: "Migrations", to: "/migrations" },
    ...(status ? [{ word: status.migration, to: `/migrations/${status.id}` }] : []),
    { word: `Run ${shortId(id)}` },
  ]);
  return (
    <Loaded query={query} label="Loading the run">
      {() =>
        status && (
          <>
            <RunHead runId={id} status={status} />
            <RunTabs runId={id} status={status} tab="run" />
            <Announcer status={status} />
            <div className={stale ? "stack stale gap-5" : "stack gap-5"}>
              <RunNotes runId={id} status={status} />
              {status.phase === "completed" ? <RunBalance runId={id} status={status} /> : <RunLive runId={id} status={status} stale={stale} />}
            </div>
          </>
        )
      }
    </Loaded>
  );
}

/** Speaks on state, verdict and every full 10 %, not on each snapshot: a verdict may hold a time that goes on. */
function Announcer({ status }: { status: RunStatus }) {
  const tens = Math.floor(floorPercent(status.progress.current, status.progress.total) / 10) * 10;
  const about = `${status.phase} ${status.verdict.code} ${tens}`;
  const sentence = `${STATES[status.phase].word}. ${status.verdict.headline} ${tens} % settled.`;
  const [said, setSaid] = useState({ about, sentence });
  if (said.about !== about) setSaid({ about, sentence });
  return (
    <div className="sr" aria-live="polite">
      {said.sentence}
    </div>
  );
}
