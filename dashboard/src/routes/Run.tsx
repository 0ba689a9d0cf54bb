import { useState } from "react";
import { Link, useParams } from "react-router";
import type { RunStatus } from "../api/types";
import { Ago } from "../components/Ago";
import { Button, ButtonLink } from "../components/Button";
import { ConfirmDialog } from "../components/ConfirmDialog";
import { Head } from "../components/Head";
import { StatePill } from "../components/StatePill";
import { Tabs } from "../components/Tabs";
import { counted, grouped } from "../format/number";
import { floorPercent } from "../format/percent";
import { span, zone } from "../format/time";
import { useKeys } from "../keys/useKeys";
import { useMay } from "../live/SessionStore";
import { useRun } from "../live/useRun";
import { useCrumbs } from "../shell/crumbs";
import { useAddress } from "../shell/useAddress";
import { useTitle } from "../shell/useTitle";
import { shortId } from "../words/identifiers";
import { isActive, STATES } from "../words/states";
import { useVerb } from "./controls";
import { Loaded } from "./Loaded";
import { RunBalance } from "./RunBalance";
import { RunLive } from "./RunLive";

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
              {status.phase === "completed" ? <RunBalance runId={id} status={status} /> : <RunLive runId={id} status={status} stale={stale} />}
            </div>
          </>
        )
      }
    </Loaded>
  );
}

/** The parts of a run, with how many rows are to be decided. */
export function RunTabs({ runId, status, tab }: { runId: string; status: RunStatus; tab: "run" | "quarantine" | "events" }) {
  return (
    <Tabs
      label="Run"
      tabs={[
        { word: status.phase === "completed" ? "Balance" : "Live", to: `/runs/${runId}`, current: tab === "run" },
        {
          word: "Quarantine",
          to: `/runs/${runId}/quarantine`,
          current: tab === "quarantine",
          count: status.counts.quarantined,
        },
        { word: "Report", to: `/runs/${runId}/report`, current: false },
        { word: "Plan", to: `/plans/${status.plan}?version=${status.planVersion}`, current: false },
        { word: "Events", to: `/runs/${runId}/events`, current: tab === "events" },
      ]}
    />
  );
}

function RunHead({ runId, status }: { runId: string; status: RunStatus }) {
  const refused = status.phase === "completed" ? status.counts.quarantined : 0;
  const started = status.startedAt ?? status.createdAt;
  return (
    <Head
      title={status.migration}
      beside={
        <>
          <StatePill state={status.phase} dryRun={status.mode === "check"} />
          {refused > 0 && (
            <Link to={`/runs/${runId}/quarantine`} className="pill quarantined">
              {grouped(refused)} to decide
            </Link>
          )}
          <span className="tag mono" title={runId}>
            run {shortId(runId)}
          </span>
          {status.kind && <span className="tag">{status.kind}</span>}
        </>
      }
      facts={
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
      }
      actions={<Actions runId={runId} status={status} />}
    />
  );
}

function Actions({ runId, status }: { runId: string; status: RunStatus }) {
  const address = useAddress();
  const mayPause = useMay("migration:pause");
  const mayCancel = useMay("migration:cancel");
  const close = (): void => address.set({ ask: "" });
  const verb = useVerb(status.id, close);
  const active = isActive(status.phase);
  const canPause = mayPause && (status.phase === "running" || status.phase === "planning");
  const canResume = mayPause && (status.phase === "paused" || status.phase === "failed");
  const canCancel = mayCancel && active && status.phase !== "cancelling";
  useKeys({ p: verb.isPending ? undefined : canPause ? () => verb.mutate("pause") : canResume ? () => verb.mutate("resume") : undefined });
  return (
    <>
      {!active && (
        <ButtonLink to={`/runs/${runId}/report`} icon="print" look={status.phase === "completed" ? "primary" : "plain"}>
          Report
        </ButtonLink>
      )}
      {canPause && (
        <Button icon="pause" shortcut="P" busy={verb.isPending} onClick={() => verb.mutate("pause")}>
          Pause
        </Button>
      )}
      {canResume && (
        <Button icon="play" look="primary" shortcut="P" busy={verb.isPending} onClick={() => verb.mutate("resume")}>
          Resume
        </Button>
      )}
      {canCancel && (
        <Button icon="stop" look="danger" onClick={() => address.set({ ask: "cancel" }, true)}>
          Cancel…
        </Button>
      )}
      <ConfirmDialog
        open={canCancel && address.get("ask") === "cancel"}
        title={`Cancel run ${shortId(runId)}?`}
        consequences={[
          { icon: "check", text: `${counted(status.progress.current, "settled row")} stay in the target.` },
          { icon: "slash", text: `${counted(status.batches.dispatched, "batch", "batches")} in flight are dropped, none half written.` },
          { icon: "replay", text: "A new run finds what is there and goes on from it." },
        ]}
        action="Cancel run"
        keep="Keep running"
        busy={verb.isPending}
        onConfirm={() => verb.mutate("cancel")}
        onClose={close}
      />
    </>
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
