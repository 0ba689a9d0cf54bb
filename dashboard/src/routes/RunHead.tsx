import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { runQuery } from "../api/queries";
import type { Run, RunStatus } from "../api/types";
import { Ago } from "../components/Ago";
import { Head } from "../components/Head";
import { StatePill } from "../components/StatePill";
import { grouped } from "../format/number";
import { span, zone } from "../format/time";
import { shortId } from "../words/identifiers";
import { isDryRun, kindWord } from "../words/kinds";
import { waitingOf } from "../words/resolved";
import { isActive } from "../words/states";
import { RunActions } from "./RunActions";

/** What the run is, in which state, of which plan, since when; and what may be done with it. */
export function RunHead({ runId, status }: { runId: string; status: RunStatus }) {
  const { data: run } = useQuery(runQuery(runId));
  const refused = status.phase === "completed" ? waitingOf(status) : 0;
  return (
    <Head
      title={status.migration}
      beside={
        <>
          <State status={status} run={run} />
          {refused > 0 && (
            <Link to={`/runs/${runId}/quarantine`} className="pill quarantined">
              {grouped(refused)} to decide
            </Link>
          )}
          <span className="tag mono" title={runId}>
            run {shortId(runId)}
          </span>
          <KindTag status={status} run={run} />
        </>
      }
      facts={<Facts status={status} />}
      actions={<RunActions runId={runId} status={status} run={run} />}
    />
  );
}

function State({ status, run }: { status: RunStatus; run: Run | undefined }) {
  if (run?.undoneAt) return <StatePill state="undone" />;
  if (status.kind === "undo" && isActive(status.phase) && status.phase !== "paused") return <StatePill state="undoing" />;
  return <StatePill state={status.phase} dryRun={isDryRun(status)} />;
}

/** "Undo of run 1a2b3c4d", "Dry run", "Differential". */
function KindTag({ status, run }: { status: RunStatus; run: Run | undefined }) {
  const word = kindWord(status);
  if (!word) return null;
  return (
    <span className="tag">
      {word}
      {run?.about && (
        <>
          {" of run "}
          <Link className="link mono" to={`/runs/${run.about}`} title={run.about}>
            {shortId(run.about)}
          </Link>
        </>
      )}
    </span>
  );
}

function Facts({ status }: { status: RunStatus }) {
  const started = status.startedAt ?? status.createdAt;
  return (
    <>
      <span>
        plan{" "}
        <Link className="link" to={`/plans/${status.plan}?version=${status.planVersion}`}>
          {status.plan} v{status.planVersion}
        </Link>
      </span>
      {started !== null && (
        <span>
          {status.completedAt !== null ? (
            <>
              <Ago at={started} absolute /> to <Ago at={status.completedAt} absolute /> {zone()},{" "}
              {span((Date.parse(status.completedAt) - Date.parse(started)) / 1000)}
            </>
          ) : (
            <>
              started <Ago at={started} absolute /> {zone()}, <Ago at={started} />
            </>
          )}
        </span>
      )}
      {status.actor && <span>by {status.actor}</span>}
    </>
  );
}
