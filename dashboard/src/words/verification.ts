import type { FindingKind, Verification, VerifyOutcome } from "../api/types";
import type { IconName } from "../components/drawings";
import { counted } from "../format/number";
import { percentText } from "../format/percent";
import { isActive } from "./states";

/** How an outcome looks: only `equal` looks like a pass. */
export const VERIFY_OUTCOMES: Record<VerifyOutcome, { tone: "completed" | "failed" | "attention" | "pending"; icon: IconName; word: string }> = {
  equal: { tone: "completed", icon: "check", word: "equal" },
  different: { tone: "failed", icon: "fail", word: "different" },
  could_not_verify: { tone: "attention", icon: "warn", word: "could not verify" },
  not_checked: { tone: "pending", icon: "ring", word: "not checked" },
};

export const FINDING_KINDS: Record<FindingKind, { word: string; sentence: string }> = {
  different: { word: "different", sentence: "In the target, with another value than the plan makes." },
  missing: { word: "missing", sentence: "Not in the target, though the plan brings it." },
  unexpected: { word: "unexpected", sentence: "In the target, though the plan leaves it out or refuses it." },
  extra: { word: "extra", sentence: "In the target, and no legacy row explains it." },
};

/** What a verify came to, in one sentence, and what is to be known besides. */
export function verificationSentence(found: Verification): { headline: string; detail: string } {
  const sum = (of: (mapping: Verification["mappings"][number]) => number): number => found.mappings.reduce((total, mapping) => total + of(mapping), 0);
  const [checked, changed, open, left] = [sum((one) => one.checked), sum((one) => one.changedSince), sum((one) => one.couldNotVerify), sum((one) => one.notChecked)];
  const details = [
    changed > 0 && `${counted(changed, "row")} changed in the source since and ${changed === 1 ? "says" : "say"} nothing of the run.`,
    left > 0 && `${counted(left, "row")} ${left === 1 ? "was" : "were"} not checked.`,
    found.outcome !== "not_checked" && !found.extrasChecked && "Rows that no legacy row explains were not looked for.",
  ];
  const detail = details.filter(Boolean).join(" ");
  if (isActive(found.state) && found.outcome !== "different") return { headline: "The verify is under way.", detail: `${counted(checked, "row")} checked so far.` };
  switch (found.outcome) {
    case "equal":
      return {
        headline: found.sample === null ? "Every row is what the plan makes of its source." : `Every row of the sample is what the plan makes of its source: ${percentText(checked, checked + left)} % of the rows.`,
        detail,
      };
    case "different":
      return { headline: `${counted(found.differences, "row")} ${found.differences === 1 ? "is" : "are"} not what the plan makes of the source.`, detail };
    case "could_not_verify":
      return { headline: "The verify could not come to an end.", detail: `${open > 0 ? `${counted(open, "row")} could not be verified. ` : ""}That is no pass. ${detail}`.trim() };
    case "not_checked":
      return { headline: "Nobody verified these rows.", detail: "Their balance is counted; their contents were not compared with the source again." };
  }
}
