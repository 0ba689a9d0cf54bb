import type { Metrics } from "../api/types";
import { grouped } from "../format/number";
import { classes } from "./classes";
import { Num } from "./Num";

type Queue = Metrics["queues"][number];

const REMARKS: Record<string, string> = {
  plan: "runs to cut into batches",
  extract: "batches to read",
  transform: "batches to transform",
  load: "batches to write",
  finish: "runs to finish",
};

/** Whether messages wait in a queue that nobody takes from. */
export function isAbandoned({ depth, consumers }: Queue): boolean {
  return consumers === 0 && depth !== null && depth > 0;
}

/** What waits before each stage, and who takes from it. */
export function QueueTable({ queues }: { queues: readonly Queue[] }) {
  return (
    <div className="scroll-x" role="region" aria-label="Table of queues" tabIndex={0}>
      <table className="table tall qq">
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col">Workers busy</th>
            <th scope="col" className="num">
              Wait
            </th>
            <th scope="col" className="num">
              In flight
            </th>
            <th scope="col" className="num">
              Consumers
            </th>
          </tr>
        </thead>
        <tbody>
          {queues.map((queue) => (
            <tr key={queue.name} className={classes(isAbandoned(queue) && "attention")}>
              <td>
                <b className="medium">{queue.name}</b>
                <small>{REMARKS[queue.name]}</small>
              </td>
              <td className="qb">
                <Busy queue={queue} />
              </td>
              <td className="num">{queue.depth === null ? <span className="muted">unknown</span> : <Num value={queue.depth} />}</td>
              <td className="num">{grouped(queue.inFlight)}</td>
              <td className={classes("num", queue.consumers === 0 && "c-ink")}>{queue.consumers === 0 ? "none" : grouped(queue.consumers)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Busy({ queue: { busyShare, name } }: { queue: Queue }) {
  if (busyShare === null) return <span className="muted">–</span>;
  const percent = Math.floor(busyShare * 100);
  return (
    <div className="row">
      <div className="meter thin grow" role="img" aria-label={`${name}: workers ${percent} % busy`}>
        {percent > 0 && <i className="running" style={{ width: `${percent}%` }} />}
      </div>
      <span className="xs soft">{percent} %</span>
    </div>
  );
}
