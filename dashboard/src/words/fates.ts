import type { IconName } from "../components/drawings";
import type { QuarantineRow } from "../api/types";

type RowState = QuarantineRow["state"];

/** What became of a refused row: its icon, its colour, its word, and what that means. */
export const FATES: Record<RowState, { icon: IconName; tone: string; word: string; sentence: string }> = {
  waiting: { icon: "quarantine", tone: "quarantined", word: "waiting", sentence: "It waits for somebody to decide." },
  replayed: { icon: "check", tone: "loaded", word: "replayed", sentence: "A later run took it over: it is in the target." },
  filtered: { icon: "filter", tone: "filtered", word: "filtered", sentence: "A later run left it out by a rule of the plan." },
  discarded: { icon: "slash", tone: "cancelled", word: "left out", sentence: "Somebody left it out, with a reason that the audit has." },
  replaced: { icon: "replay", tone: "attention", word: "refused again", sentence: "A later run refused it again: it waits there." },
};

/** The states as a filter offers them. */
export const FATE_CHOICES: readonly { value: RowState | ""; word: string }[] = [
  { value: "", word: "any" },
  ...(Object.keys(FATES) as RowState[]).map((state) => ({ value: state, word: FATES[state].word })),
];
