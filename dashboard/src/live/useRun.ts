import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { runStatusQuery } from "../api/queries";
import { isActive } from "../words/states";
import { useMigrations } from "./MigrationStore";
import { withProgress } from "./overlay";
import { socketService } from "./MigrationStore";

const REST_MS = 5000;

/**
 * A run's status: read once, then told by the socket, whole. It is asked for again only when the line tells of another state, so
 * that the pages of the run are read anew with it. The chart and the list of events are not told: they are read again at most
 * every 5 s while the run moves.
 */
export function useRun(runId: string) {
  const client = useQueryClient();
  const query = useQuery(runStatusQuery(runId));
  const event = useMigrations((state) => state.progress[runId]);
  const lost = useMigrations((state) => state.disconnectedAt !== null);
  const follow = useMigrations((state) => state.follow);
  const status = useMemo(() => (query.data ? withProgress(query.data, event) : undefined), [query.data, event]);
  const migrationId = status?.id;
  const live = status !== undefined && isActive(status.phase);
  // Somebody may resume a run that failed.
  const mayMove = live || status?.phase === "failed";
  const readAt = useRef(0);

  useEffect(() => (migrationId !== undefined && mayMove ? follow(migrationId) : undefined), [migrationId, mayMove, follow]);

  useEffect(() => {
    const again = (): void => void client.invalidateQueries({ queryKey: ["run", runId] });
    const stops = [
      socketService.onStatusChange((change) => {
        const known = client.getQueryData(runStatusQuery(runId).queryKey);
        if (change.runId === runId && change.phase !== known?.phase) again();
      }),
      socketService.onCompleted((end) => end.runId === runId && again()),
      socketService.onError((problem) => problem.kind === "run" && problem.migrationId === migrationId && again()),
    ];
    return () => stops.forEach((stop) => stop());
  }, [client, runId, migrationId]);

  useEffect(() => {
    if (!event) return;
    // Kept with what was asked for: the next page of the run begins with it.
    client.setQueryData(runStatusQuery(runId).queryKey, (known) => known && withProgress(known, event));
    if (Date.now() - readAt.current < REST_MS) return;
    readAt.current = Date.now();
    for (const part of ["throughput", "events"]) void client.invalidateQueries({ queryKey: ["run", runId, part] });
  }, [event, client, runId]);

  return { query, status, live, stale: live && lost };
}
