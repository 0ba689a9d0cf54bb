import { Fragment } from "react";
import type { StageStatus } from "../api/types";
import { counted, grouped, rate } from "../format/number";
import { classes } from "./classes";

const WORDS: Record<string, string | undefined> = { extract: "Extract", transform: "Transform", load: "Load" };
const CELLS = 32;
const NEARLY_FULL = 0.8;
/** From this share on a stage counts as busy all the time. */
export const NEARLY_ALWAYS = 0.8;

/** The stage that sets the pace: the busiest one, if it is nearly always busy. */
export function slowest(stages: readonly StageStatus[]): string | null {
  const busiest = [...stages].sort((one, other) => other.busyShare - one.busyShare)[0];
  return busiest !== undefined && busiest.busyShare >= NEARLY_ALWAYS ? busiest.stage : null;
}

/** The stages in order, what waits between them, how busy each is (always 0 to 100 %). */
export function StageFunnel({ stages }: { stages: readonly StageStatus[] }) {
  const pace = slowest(stages);
  return (
    <ol className="funnel">
      {stages.map((stage, position) => (
        <Fragment key={stage.stage}>
          {position > 0 && <Queue stage={stage} />}
          <li className={classes("stage", stage.stage === pace && "slow")}>
            <span className="nm">
              <b>{WORDS[stage.stage] ?? stage.stage}</b>
              <small>{counted(stage.workers, "worker")}</small>
            </span>
            <span className="bz" aria-hidden="true">
              <i style={{ height: `${Math.floor(stage.busyShare * 100)}%` }} />
            </span>
            <span className="num">
              <b>{rate(stage.rowsPerSecond)}</b>
              <small>rows/s · {Math.floor(stage.busyShare * 100)} % busy</small>
            </span>
          </li>
        </Fragment>
      ))}
    </ol>
  );
}

function Queue({ stage }: { stage: StageStatus }) {
  if (stage.queueDepth === null)
    return (
      <li className="queue">
        <span className="pipe" />
        <span className="xs">depth unknown</span>
      </li>
    );
  const share = stage.queueLimit ? stage.queueDepth / stage.queueLimit : 0;
  const on = stage.queueDepth === 0 ? 0 : Math.max(1, Math.min(CELLS, Math.ceil(share * CELLS)));
  const full = share >= NEARLY_FULL;
  return (
    <li className={classes("queue", full && "full")}>
      <span className="pipe" aria-hidden="true">
        {Array.from({ length: CELLS }, (_, cell) => (
          <i key={cell} className={cell < on ? "on" : ""} />
        ))}
      </span>
      <span className="xs">
        {full && <span className="fullw">nearly full · </span>}
        <b>{grouped(stage.queueDepth)}</b>
        {stage.queueLimit !== null && ` of ${grouped(stage.queueLimit)}`} batches wait
      </span>
    </li>
  );
}
