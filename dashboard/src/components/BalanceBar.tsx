import type { Counts } from "../api/types";
import { floorPercent, width } from "../format/percent";
import { OUTCOMES } from "../words/states";
import { classes } from "./classes";

interface BalanceBarProps {
  counts: Counts;
  /** Rows of the whole; what is not settled stays empty. */
  total: number | null;
  inFlight?: number;
  size?: "thin" | "tall";
  /** It moves: tell it as progress. */
  live?: boolean;
  label: string;
}

/** Rows by outcome, always in the same order. A segment that is not zero is at least 2 px wide. */
export function BalanceBar({ counts, total, inFlight = 0, size, live = false, label }: BalanceBarProps) {
  const settled = OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0);
  const whole = Math.max(total ?? 0, settled + inFlight);
  const now = floorPercent(settled, whole);
  const told = live
    ? { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": now, "aria-label": label }
    : { role: "img", "aria-label": `${label}: ${now} %` };
  return (
    <div className={classes("meter", size)} {...told}>
      {OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => (
        <i key={outcome} className={outcome} style={{ width: width(counts[outcome], whole) }} />
      ))}
      {inFlight > 0 && <i className="in-flight" style={{ width: width(inFlight, whole) }} />}
    </div>
  );
}
