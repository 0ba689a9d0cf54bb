import type { RunStatus } from "../api/types";
import type { ProgressEvent } from "./events";

/** A run's status, or the one that the socket told since: of two the one with the higher `seq`, of equal ones the later. */
export function withProgress(status: RunStatus, event: ProgressEvent | undefined): RunStatus {
  if (event?.runId !== status.runId || event.seq < status.seq) return status;
  const older = event.seq === status.seq && Date.parse(event.status.readAt) < Date.parse(status.readAt);
  return older ? status : event.status;
}
