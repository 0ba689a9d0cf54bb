/** The words for what a run is doing, in their order. */
export const PHASES = ["pending", "planning", "running", "finishing", "completed"] as const;

export type PhaseName = (typeof PHASES)[number];

export const PHASE_WORDS: Record<PhaseName, string> = {
  pending: "Wait",
  planning: "Plan",
  running: "Move rows",
  finishing: "Finish",
  completed: "Balance",
};

/** The word for a phase that this page may not know. */
export function phaseWord(phase: string): string {
  return (PHASE_WORDS as Record<string, string | undefined>)[phase] ?? phase.charAt(0).toUpperCase() + phase.slice(1);
}
