import type { Metrics } from "../api/types";
import { bytes, grouped } from "../format/number";
import type { PillState } from "../words/states";
import { StatePill } from "./StatePill";

type Service = Metrics["processes"][number];

const REMARKS: Record<string, string> = {
  gateway: "API, pages, what runs next",
  extractor: "reads batches from the legacy database",
  transformer: "carries out the plan",
  loader: "writes and settles",
  notifier: "tells pages what moved",
};
const STATES: Record<Service["state"], { state: PillState; word: string }> = {
  up: { state: "completed", word: "Healthy" },
  degraded: { state: "attention", word: "Cut off" },
  down: { state: "failed", word: "Not heard of" },
};

/** The services in the order of the pipeline: whether they live, how many, of which version, how busy, how large. */
export function ServiceTable({ services }: { services: readonly Service[] }) {
  return (
    <>
      <div className="scroll-x" role="region" aria-label="Table of services" tabIndex={0}>
        <table className="table sv">
          <thead>
            <tr>
              <th scope="col">Service</th>
              <th scope="col">State</th>
              <th scope="col" className="num">
                Instances
              </th>
              <th scope="col">Version</th>
              <th scope="col" className="num">
                Workers
              </th>
              <th scope="col" className="num">
                Memory
              </th>
            </tr>
          </thead>
          <tbody>
            {services.map((service) => (
              <Row key={service.service} service={service} />
            ))}
          </tbody>
        </table>
      </div>
      <p className="body xs muted">By their own reports. Services that share a process each show all of its memory.</p>
    </>
  );
}

function Row({ service }: { service: Service }) {
  const { state, word } = STATES[service.state];
  const lives = service.instances > 0;
  return (
    <tr>
      <td>
        <b className="medium">{service.service}</b>
        <small>{service.unreachable.length > 0 ? `does not reach ${service.unreachable.join(", ")}` : REMARKS[service.service]}</small>
        {lives && <small className="only-phone">{`${service.version} · ${memory(service)}`}</small>}
      </td>
      <td>
        <StatePill state={state} word={word} />
      </td>
      <td className="num">{grouped(service.instances)}</td>
      <td className="soft">{service.version || "–"}</td>
      <td className="num">
        {service.busyShare === null ? (
          "–"
        ) : (
          <>
            {grouped(service.workers)}
            <small>{percent(service.busyShare)} % busy</small>
          </>
        )}
      </td>
      <td className="num">
        {lives ? memory(service) : "–"}
        {service.cpuShare !== null && <small>{service.cpuShare.toFixed(2)} cores</small>}
      </td>
    </tr>
  );
}

function memory({ memoryBytes }: Service): string {
  const { value, unit } = bytes(memoryBytes);
  return `${value} ${unit}`;
}

/** Rounded down: 100 % is busy all the time. */
function percent(share: number): number {
  return Math.floor(share * 100);
}
