import type { Priority, StartOptions } from "../api/types";
import type { Step } from "../components/Stepper";

export type StepName = "migration" | "preflight" | "options" | "confirm";

const STEPS: readonly StepName[] = ["migration", "preflight", "options", "confirm"];
const WORDS: Record<StepName, string> = { migration: "Migration", preflight: "Preflight", options: "Options", confirm: "Confirm" };
const REMARKS: Record<StepName, string> = {
  migration: "a plan and its connections",
  preflight: "what must be well before",
  options: "dry run or real, priority",
  confirm: "what will happen",
};

/** The steps of a new run, as the stepper shows them. */
export function stepsOf(now: StepName, migrationId: string, remarks: Partial<Record<StepName, string>>): readonly Step[] {
  const at = STEPS.indexOf(now);
  return STEPS.map((step, position) => ({
    word: WORDS[step],
    remark: remarks[step] ?? REMARKS[step],
    state: position < at ? "done" : position === at ? "now" : "later",
    to: step === "migration" ? "/new" : `/migrations/${migrationId}/new?step=${step}`,
  }));
}

/** The step of an address; the first one that makes sense where it names none. */
export function stepOf(name: string): Exclude<StepName, "migration"> {
  return name === "options" || name === "confirm" ? name : "preflight";
}

export const PRIORITIES: readonly Priority[] = ["LOW", "NORMAL", "HIGH", "CRITICAL"];
export const MOST_BATCH_ROWS = 50_000;

/** The options that an address names: a dry run unless it says otherwise. */
export function optionsOf(get: (name: string) => string): Required<Pick<StartOptions, "validateOnly" | "skipValidation" | "priority">> & StartOptions {
  const real = get("real") === "true";
  const size = Number(get("batch"));
  const priority = PRIORITIES.find((known) => known === get("priority")) ?? "NORMAL";
  return {
    validateOnly: !real,
    skipValidation: real && get("skip") === "true",
    priority,
    ...(Number.isInteger(size) && size >= 1 && size <= MOST_BATCH_ROWS ? { batchSize: size } : {}),
  };
}
