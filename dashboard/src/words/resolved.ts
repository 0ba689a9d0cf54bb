import type { RunStatus } from "../api/types";
import { writes } from "./kinds";

type Resolved = RunStatus["resolved"][number];
export type Fate = "waiting" | "replayed" | "filtered" | "discarded" | "replaced";

/** What became of refused rows, in the order in which it is told. */
export const FATES_IN_ORDER: readonly Fate[] = ["waiting", "replayed", "filtered", "discarded", "replaced"];

/** Rows of all mappings by what became of them. */
export function fatesOf(resolved: readonly Resolved[]): Record<Fate, number> {
  const sum = (fate: Fate): number => resolved.reduce((total, one) => total + one[fate], 0);
  return { waiting: sum("waiting"), replayed: sum("replayed"), filtered: sum("filtered"), discarded: sum("discarded"), replaced: sum("replaced") };
}

/** Refused rows that somebody has to decide on: of a run that goes on, all of them; of one that writes nothing, none. */
export function waitingOf(status: Pick<RunStatus, "resolved" | "counts" | "kind" | "mode">): number {
  if (!writes(status)) return 0;
  return status.resolved.length > 0 ? fatesOf(status.resolved).waiting : status.counts.quarantined;
}
