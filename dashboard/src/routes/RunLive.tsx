import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { Link } from "react-router";
import { eventsQuery, throughputQuery } from "../api/queries";
import type { RunEvent, RunStatus } from "../api/types";
import { Ago } from "../components/Ago";
import { BalanceBar } from "../components/BalanceBar";
import { ButtonLink } from "../components/Button";
import { Card } from "../components/Card";
import type { ChartNote } from "../components/RateChart";
import { EventList } from "../components/EventList";
import { Figure } from "../components/Figure";
import { MappingTable } from "../components/MappingTable";
import { Num } from "../components/Num";
import { OutcomeMark } from "../components/OutcomeMark";
import { PhaseTrack } from "../components/PhaseTrack";
import { SearchField } from "../components/SearchField";
import { slowest, StageFunnel } from "../components/StageFunnel";
import { Verdict } from "../components/Verdict";
import { WarningList } from "../components/WarningList";
import { useNow } from "../components/clock";
import { counted, grouped, rate } from "../format/number";
import { shownPercent, percentText } from "../format/percent";
import { remaining, when } from "../format/time";
import { useMay } from "../live/SessionStore";
import { useAddress } from "../shell/useAddress";
import { told } from "../words/events";
import { spoken } from "../words/identifiers";
import { isActive, shownOutcomes } from "../words/states";
import { useIsLast, useResumeMapping } from "./controls";

const RateChart = lazy(async () => ({ default: (await import("../components/RateChart")).RateChart }));
const SHOWN_EVENTS = 9;

interface RunLiveProps {
  runId: string;
  status: RunStatus;
  stale: boolean;
}

/** A run that is not complete: verdict, progress, pace, mappings, events. */
export function RunLive({ runId, status, stale }: RunLiveProps) {
  return (
    <>
      <Verdict verdict={status.verdict} quiet>
        {status.counts.quarantined > 0 && <ButtonLink to={`/runs/${runId}/quarantine`}>Look at quarantine</ButtonLink>}
      </Verdict>
      <ProgressCard status={status} stale={stale} />
      <div className="two">
        <Pace runId={runId} status={status} />
        <Stages status={status} />
      </div>
      <div className="cols lower grid gap-5 items-start lg:grid-cols-[minmax(0,2.3fr)_minmax(0,1fr)]">
        <Mappings runId={runId} status={status} />
        <div className="stack gap-5">
          <WarningList notices={status.notices} warnings={status.warnings} report={`/runs/${runId}/report`} />
          <LastEvents runId={runId} />
        </div>
      </div>
    </>
  );
}

function ProgressCard({ status, stale }: { status: RunStatus; stale: boolean }) {
  const { counts, progress, balance } = status;
  const inFlight = balance?.inFlight ?? 0;
  return (
    <section className="card hero-card" aria-label="Progress">
      <PhaseTrack phases={status.phases} now={isActive(status.phase) ? shownPhase(status) : null} percentage={progress.percentage} />
      <div className="figs">
        <Figure
          label={stale ? "Rows settled, as of then" : "Rows settled"}
          value={shownPercent(progress.percentage, status.phase === "completed")}
          unit="%"
          hero
          remark={
            <>
              {grouped(progress.current)} of <Num value={progress.total} estimated={progress.estimated} />
            </>
          }
        />
        <EtaFigure status={status} />
        <Figure label="Rows per second" value={rate(status.rowsPerSecond)} remark={`average ${rate(status.averageRowsPerSecond)}`} />
        <Figure
          label="Quarantined"
          value={grouped(counts.quarantined)}
          tone={counts.quarantined > 0 ? "quarantined" : undefined}
          remark={counts.read > 0 ? `${percentText(counts.quarantined, counts.read)} % of rows read` : "nothing read yet"}
        />
      </div>
      <BalanceBar counts={counts} total={progress.total} inFlight={inFlight} size="tall" live label="Rows settled" />
      <div className="legend">
        {shownOutcomes(counts).map((outcome) => (
          <OutcomeMark key={outcome} outcome={outcome}>
            {outcome}
            <b>{grouped(counts[outcome])}</b>
          </OutcomeMark>
        ))}
        {balance && (
          <>
            <OutcomeMark outcome="in-flight">
              in flight
              <b>
                <Num value={balance.inFlight} estimated={balance.inFlight > 0} />
              </b>
            </OutcomeMark>
            <OutcomeMark outcome="not-read">
              not read yet
              <b>{grouped(balance.notRead)}</b>
            </OutcomeMark>
          </>
        )}
      </div>
    </section>
  );
}

/** A paused or cancelling run stays in the phase that it was in. */
function shownPhase(status: RunStatus): string {
  if (status.phase !== "paused" && status.phase !== "cancelling") return status.phase;
  return status.phases.findLast(({ phase }) => phase !== "paused" && phase !== "cancelling")?.phase ?? "running";
}

function EtaFigure({ status }: { status: RunStatus }) {
  const now = useNow(10);
  const { eta } = status;
  if (!eta)
    return (
      <Figure
        className="eta"
        label="Done about"
        value="–"
        hero
        remark={status.phase === "running" ? "told after a minute and 2 %" : "told while rows move"}
      />
    );
  const seconds = Math.max(0, eta.seconds - (now.getTime() - Date.parse(status.readAt)) / 1000);
  return (
    <Figure
      className="eta"
      label="Done about"
      value={<time dateTime={eta.at}>{when(new Date(eta.at), now)}</time>}
      hero
      remark={remaining(seconds, eta.p10Seconds, eta.p90Seconds)}
    />
  );
}

function Pace({ runId, status }: { runId: string; status: RunStatus }) {
  const { data } = useQuery(throughputQuery(runId));
  const { data: events } = useQuery(eventsQuery(runId));
  const notes = useMemo(() => chartNotes(events ?? []), [events]);
  return (
    <Card
      title="Rows per second"
      aside={
        <div className="legend wide-only">
          <OutcomeMark outcome="running">settled</OutcomeMark>
          <OutcomeMark outcome="quarantined">quarantined a minute</OutcomeMark>
          <span className="muted">┄ average</span>
        </div>
      }
    >
      <div className="body">
        {data && data.buckets.length > 1 && status.counts.read > 0 ? (
          <Suspense fallback={<div className="chart-box" />}>
            <RateChart points={data.buckets} bucketSeconds={data.bucketSeconds} average={status.averageRowsPerSecond} notes={notes} />
          </Suspense>
        ) : (
          <p className="sm muted">Nothing has settled yet. The line begins with the first batch.</p>
        )}
      </div>
    </Card>
  );
}

/** What annotates the line: what asked for a look, and the state it came from. */
export function chartNotes(events: readonly RunEvent[]): readonly ChartNote[] {
  return events
    .filter((event) => event.level !== "info" || event.detail.state === "paused")
    .slice(0, 5)
    .map((event) => {
      const { mapping, text } = told(event);
      return { at: event.at, text: mapping ? `${mapping} ${text.toLowerCase()}` : text.toLowerCase() };
    });
}

function Stages({ status }: { status: RunStatus }) {
  const pace = slowest(status.stages);
  return (
    <Card title="Stages" aside={pace && <span className="xs attention c-ink">{spoken(pace)} sets the pace</span>}>
      {status.stages.length > 0 ? (
        <StageFunnel stages={status.stages} />
      ) : (
        <p className="body sm muted">{isActive(status.phase) ? "The services have not reported yet." : "The run is over; nothing is in the stages."}</p>
      )}
    </Card>
  );
}

function Mappings({ runId, status }: { runId: string; status: RunStatus }) {
  const address = useAddress();
  const wanted = address.get("mapping").toLowerCase();
  const shown = useMemo(
    () => status.mappings.filter((mapping) => mapping.mapping.toLowerCase().includes(wanted)),
    [status.mappings, wanted],
  );
  const mayResume = useMay("migration:pause");
  const isLast = useIsLast(runId, status.id);
  const { mutate: resume, isPending } = useResumeMapping(status.id);
  const complete = status.mappings.filter((mapping) => mapping.state === "complete").length;
  if (status.mappings.length === 0)
    return (
      <Card title="Mappings">
        <p className="body sm muted">{isActive(status.phase) ? "The rows of each mapping are being counted." : "The run ended before its rows were counted."}</p>
      </Card>
    );
  return (
    <Card
      title={
        <>
          Mappings <span className="soft font-text">{complete} complete of {counted(status.mappings.length, "mapping")}</span>
        </>
      }
      aside={<SearchField label="Filter" value={address.get("mapping")} onChange={(mapping) => address.set({ mapping })} />}
    >
      <MappingTable
        mappings={shown}
        sort={address.get("sort")}
        onSort={(sort) => address.set({ sort })}
        quarantine={(mapping) => `/runs/${runId}/quarantine?mapping=${encodeURIComponent(mapping)}`}
        still={!isActive(status.phase)}
        onResume={mayResume && isLast && !isPending && status.phase !== "cancelling" && status.phase !== "cancelled" ? resume : undefined}
      />
    </Card>
  );
}

function LastEvents({ runId }: { runId: string }) {
  const { data } = useQuery(eventsQuery(runId));
  return (
    <Card title="Events" aside={data?.[0] && <span className="xs muted">last <Ago at={data[0].at} /></span>}>
      {data && <EventList events={data.slice(0, SHOWN_EVENTS)} page={`/runs/${runId}/events`} />}
      <div className="body">
        <Link className="link xs" to={`/runs/${runId}/events`}>
          {data ? `All ${counted(data.length, "event")}` : "All events"}
        </Link>
      </div>
    </Card>
  );
}
