import type { Phase } from "../api/types";
import { duration } from "../format/time";
import { width } from "../format/percent";
import { phaseWord } from "../words/phases";

const TONES: Record<string, string> = { planning: "planning", running: "running", finishing: "finishing", paused: "paused" };

/** Seconds that each phase took; phases that did not end are left out. */
export function phaseSeconds(phases: readonly Phase[]): readonly { phase: string; seconds: number }[] {
  return phases.flatMap((phase) =>
    phase.endedAt !== null
      ? [{ phase: phase.phase, seconds: (Date.parse(phase.endedAt) - Date.parse(phase.startedAt)) / 1000 }]
      : [],
  );
}

/** Where the time went, by phase. */
export function DurationBars({ phases }: { phases: readonly Phase[] }) {
  const lengths = phaseSeconds(phases);
  const longest = Math.max(0, ...lengths.map((length) => length.seconds));
  return (
    <ul className="durs">
      {lengths.map(({ phase, seconds }, position) => (
        <li key={position}>
          <span>{phaseWord(phase)}</span>
          <span className="meter thin" aria-hidden="true">
            <i className={TONES[phase] ?? "completed"} style={{ width: width(seconds, longest) }} />
          </span>
          <span className="num">{duration(seconds)}</span>
        </li>
      ))}
    </ul>
  );
}
