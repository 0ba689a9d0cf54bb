import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { Migration, Run } from "../api/types";
import { Icon } from "../components/Icon";
import { RunCounts } from "../components/RunCounts";
import { width, shownPercent } from "../format/percent";
import type { ProgressEvent } from "../live/events";
import { socketService, useMigrations } from "../live/MigrationStore";
import { isActive } from "../words/states";

const FOLLOWED = 20;

/** Follows those of a list that move, and reads the list again when one of them enters another state. */
export function useFollowed(migrations: readonly Migration[]): void {
  const follow = useMigrations((state) => state.follow);
  const client = useQueryClient();
  const moving = migrations
    .filter(({ lastRun }) => lastRun && isActive(lastRun.state))
    .slice(0, FOLLOWED)
    .map(({ id }) => id)
    .join(" ");
  useEffect(() => {
    const stops = moving.split(" ").filter(Boolean).map(follow);
    return () => stops.forEach((stop) => stop());
  }, [moving, follow]);
  const states = new Map(migrations.map(({ lastRun }) => [lastRun?.id, lastRun?.state]));
  const known = useRef(states);
  useEffect(() => {
    known.current = states;
  });
  useEffect(
    () =>
      socketService.onStatusChange(({ runId, phase }) => {
        if (runId === null || known.current.get(runId) !== phase) void client.invalidateQueries({ queryKey: ["migrations"] });
      }),
    [client],
  );
}

/** How far the last run is, or how it ended, and what came of its rows. */
export function MigrationBalance({ migration: { lastRun, name } }: { migration: Migration }) {
  const event = useMigrations((state) => (lastRun ? state.progress[lastRun.id] : undefined));
  if (!lastRun) return <span className="xs muted">nothing has moved yet</span>;
  return (
    <div className="stack tight">
      <HowFar run={lastRun} event={event} name={name} />
      <RunCounts counts={event?.status.counts ?? lastRun.counts} warningCount={lastRun.warningCount} />
    </div>
  );
}

/** A run that does not balance cannot complete. */
function HowFar({ run: lastRun, event, name }: { run: Run; event: ProgressEvent | undefined; name: string }) {
  if (isActive(lastRun.state) && event)
    return (
      <div className="row">
        <div
          className="meter grow"
          role="progressbar"
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={Math.floor(event.progress)}
          aria-label={`${name}: rows settled`}
        >
          <i className="running" style={{ width: width(event.current, event.total) }} />
        </div>
        <span className="xs soft">{shownPercent(event.progress, false)} %</span>
      </div>
    );
  if (lastRun.state === "completed")
    return (
      <span className="okk xs">
        <Icon name="check" small />
        balanced
      </span>
    );
  return <span className="xs muted">{lastRun.message || (isActive(lastRun.state) ? "under way" : "–")}</span>;
}
