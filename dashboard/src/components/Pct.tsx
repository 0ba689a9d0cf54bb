import { percentText } from "../format/percent";

/** The share of a whole: rounded down, 100 only at equality, a tiny one to its first digit. */
export function Pct({ part, whole }: { part: number; whole: number }) {
  return <>{percentText(part, whole)} %</>;
}
