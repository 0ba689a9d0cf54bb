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

export type Get = (name: string) => string;
export type Kind = "dry" | "real" | "differential";

/** What the address asks for: a dry run unless it says otherwise. */
export function kindOf(get: Get): Kind {
  if (get("real") !== "true") return "dry";
  return isMerge(get) ? "differential" : "real";
}

/** The parameters that make the address ask for that kind; options that it does not have go. */
export function askedFor(kind: Kind): Readonly<Record<string, string | boolean>> {
  if (kind === "dry") return { real: false, mode: "", skip: false, verify: false, suspend: false };
  return kind === "differential" ? { real: true, mode: "merge", suspend: false } : { real: true, mode: "" };
}

/** Whether the rows of a run before are there: new ones are inserted, those that differ updated. */
export function isMerge(get: Get): boolean {
  return get("mode") === "merge";
}

/** The mappings that are chosen; null where the whole plan is run. */
export function chosenOf(get: Get): readonly string[] | null {
  return get("some") === "true" ? get("only").split(",").filter(Boolean) : null;
}

/** The options that an address names. */
export function optionsOf(get: Get): Required<Pick<StartOptions, "validateOnly" | "skipValidation" | "priority">> & StartOptions {
  const kind = kindOf(get);
  const real = kind !== "dry";
  const skip = real && get("skip") === "true";
  const size = Number(get("batch"));
  const priority = PRIORITIES.find((known) => known === get("priority")) ?? "NORMAL";
  const only = chosenOf(get) ?? [];
  return {
    validateOnly: !real,
    skipValidation: skip,
    priority,
    ...(Number.isInteger(size) && size >= 1 && size <= MOST_BATCH_ROWS ? { batchSize: size } : {}),
    ...(isMerge(get) ? { mode: "merge" as const } : {}),
    ...(only.length > 0 ? { only } : {}),
    ...(real && !skip && get("verify") === "true" ? { verify: true } : {}),
    ...(kind === "real" && get("suspend") === "true" ? { suspendConstraints: true } : {}),
  };
}
