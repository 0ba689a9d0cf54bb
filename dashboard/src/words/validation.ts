import type { Family, Validation } from "../api/types";
import type { IconName } from "../components/drawings";

/** The three families of checks, in their order (Kahn et al., 2016). */
export const FAMILIES: Record<Family, { word: string; sentence: string }> = {
  conformance: { word: "Conformance", sentence: "Values have the form that the target asks for: types, lengths, codes, references." },
  completeness: { word: "Completeness", sentence: "What has to be there is there: required values, rows that joins need." },
  plausibility: { word: "Plausibility", sentence: "Values can be true: the rules of the plan, checks of the target, ranges." },
};

export const VALIDATION_OUTCOMES: Record<Validation["outcome"], { ground: "completed" | "failed" | "planning"; icon: IconName }> = {
  passed: { ground: "completed", icon: "check" },
  failed: { ground: "failed", icon: "fail" },
  open: { ground: "planning", icon: "clock" },
};

/** The first sentence and what follows, as a verdict shows them. */
export function inTwo(sentence: string): { headline: string; detail: string } {
  const end = sentence.search(/[.)] /);
  return end < 0 ? { headline: sentence, detail: "" } : { headline: sentence.slice(0, end + 1), detail: sentence.slice(end + 2) };
}
