import type { IconName } from "../components/drawings";
import type { RunStatus } from "../api/types";

export type Sum = RunStatus["sums"][number];

/** How the comparison of a sum came out: only `agrees` looks like a pass. */
export const SUM_STATES: Record<Sum["state"], { tone: string; icon: IconName; word: string }> = {
  agrees: { tone: "completed", icon: "check", word: "agrees" },
  differs: { tone: "failed", icon: "fail", word: "differs" },
  not_comparable: { tone: "pending", icon: "ring", word: "not comparable" },
};

/** An exact sum, grouped and never shortened: "148,220,914.35". */
export function exact(text: string): string {
  const [, sign = "", whole = "", rest = ""] = /^(-?)(\d+)(\.\d+)?$/.exec(text) ?? [];
  return whole === "" ? text : sign + whole.replace(/\B(?=(\d{3})+$)/g, ",") + rest;
}

/** A sum as it is shown: one of few rows is withheld, one that nobody has is unknown. */
export function sumText(value: string | null, withheld: boolean): string {
  if (value !== null) return exact(value);
  return withheld ? "too few rows to show" : "–";
}
