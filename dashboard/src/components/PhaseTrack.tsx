import type { CSSProperties } from "react";
import type { Phase } from "../api/types";
import { PHASES, phaseWord } from "../words/phases";
import { Icon } from "./Icon";

interface PhaseTrackProps {
  phases: readonly Phase[];
  /** The phase of now; null when the run is over. */
  now: string | null;
  /** How far the phase of now is, 0 to 100. */
  percentage: number;
}

/** The phases of a run in order: done, now, to come. */
export function PhaseTrack({ phases, now, percentage }: PhaseTrackProps) {
  const ended = new Set(phases.filter((phase) => phase.endedAt !== null).map((phase) => phase.phase));
  const here = PHASES.findIndex((phase) => phase === now);
  return (
    <ol className="phases" aria-label="Phases">
      {PHASES.map((phase, position) => {
        if (phase === now)
          return (
            <li key={phase} className="now" aria-current="step" style={{ "--p": `${percentage}%` } as CSSProperties}>
              <span>{phaseWord(phase)}</span>
            </li>
          );
        const done = now === null ? ended.has(phase) : here === -1 ? ended.has(phase) : position < here;
        return (
          <li key={phase} className={done ? "done" : ""}>
            <span>
              {done && <Icon name="check" />}
              {phaseWord(phase)}
              <span className="sr">{done ? ", done" : ", to come"}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}
