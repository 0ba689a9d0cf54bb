import type { IconName } from "../components/drawings";
import type { Counts, Outcome, RunState } from "../api/types";

/** How a state looks and reads: the one map from state to colour. */
export interface Shown {
  tone: string;
  icon: IconName;
  word: string;
}

export type PillState = RunState | "undoing" | "undone" | "never" | "attention";

export const STATES: Record<PillState, Shown> = {
  never: { tone: "pending", icon: "ring", word: "Not run yet" },
  pending: { tone: "pending", icon: "ring", word: "Pending" },
  planning: { tone: "planning", icon: "plan", word: "Planning" },
  running: { tone: "running", icon: "play", word: "Running" },
  paused: { tone: "paused", icon: "pause", word: "Paused" },
  finishing: { tone: "finishing", icon: "flag", word: "Finishing" },
  completed: { tone: "completed", icon: "check", word: "Completed" },
  failed: { tone: "failed", icon: "fail", word: "Failed" },
  cancelling: { tone: "cancelled", icon: "spin", word: "Cancelling" },
  cancelled: { tone: "cancelled", icon: "slash", word: "Cancelled" },
  undoing: { tone: "rolled-back", icon: "spin", word: "Undoing" },
  undone: { tone: "rolled-back", icon: "undo", word: "Undone" },
  attention: { tone: "attention", icon: "clock", word: "Look" },
};

/** The outcomes of rows in the order in which every bar, table and legend shows them. */
export const OUTCOMES: readonly Outcome[] = ["loaded", "updated", "unchanged", "merged", "filtered", "quarantined", "deleted", "different"];

/** Outcomes that only some kinds of runs have. */
const SELDOM: ReadonlySet<Outcome> = new Set(["updated", "unchanged", "deleted", "different"]);

/** The outcomes that a bar, table or legend of these counts shows: those of every run, and others where they are not 0. */
export function shownOutcomes(...all: readonly Counts[]): readonly Outcome[] {
  return OUTCOMES.filter((outcome) => !SELDOM.has(outcome) || all.some((counts) => counts[outcome] > 0));
}

const ACTIVE: ReadonlySet<RunState> = new Set(["pending", "planning", "running", "paused", "finishing", "cancelling"]);

/** Whether a run in this state is not over. */
export function isActive(state: RunState): boolean {
  return ACTIVE.has(state);
}
