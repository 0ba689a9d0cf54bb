import type { Health, Metrics } from "../api/types";
import { Ago } from "../components/Ago";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { Figure } from "../components/Figure";
import { Head } from "../components/Head";
import { Icon } from "../components/Icon";
import type { IconName } from "../components/drawings";
import { isAbandoned, QueueTable } from "../components/QueueTable";
import { ServiceTable } from "../components/ServiceTable";
import { NEARLY_ALWAYS } from "../components/StageFunnel";
import { StatePill } from "../components/StatePill";
import { Verdict } from "../components/Verdict";
import { counted, grouped } from "../format/number";
import { span } from "../format/time";
import { useSystem } from "../live/useSystem";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useTitle } from "../shell/useTitle";
import { spoken } from "../words/identifiers";
import { Loaded } from "./Loaded";

type Answering = Health["services"];

interface Known {
  name: keyof Answering;
  word: string;
  remark: string;
  icon: IconName;
}

const SYSTEMS: readonly Known[] = [
  { name: "legacyDb", word: "Legacy database", remark: "read only, seen by the extractor", icon: "db" },
  { name: "database", word: "Target", remark: "with the ledger, seen by the loader", icon: "db" },
  { name: "rabbitmq", word: "RabbitMQ", remark: "carries batches; loses none that the ledger knows", icon: "split" },
  { name: "redis", word: "Redis", remark: "rate limits and revoked sign-ins", icon: "system" },
];

/** What answers, what waits, how much memory it takes. */
export function System() {
  useTitle("System");
  useCrumbs([{ word: "System" }]);
  const mayRead = useMay("health:read");
  if (!mayRead)
    return (
      <EmptyState title="No permission" page icon="lock">
        This page needs <span className="mono">health:read</span>. An administrator can grant a role that has it.
      </EmptyState>
    );
  return <Page />;
}

function Page() {
  const { health: query, metrics, uptimeSeconds, at, stale } = useSystem();
  const health = query.data;
  const well = health?.status === "healthy";
  return (
    <>
      <Head
        title="System"
        beside={health && !stale && <StatePill state={well ? "completed" : "failed"} word={well ? "Healthy" : "Unhealthy"} />}
        facts={
          health && (
            <>
              {uptimeSeconds !== undefined && <span>gateway up {span(uptimeSeconds)}</span>}
              <span>
                {stale ? "as of" : "checked"} <Ago at={at} />
              </span>
            </>
          )
        }
      />
      <Loaded query={query} label="Loading the state of the system">
        {(found) => (
          <>
            {stale ? <Unheard /> : <Away health={found} metrics={metrics.data} />}
            <div className={stale ? "stack stale gap-5" : "stack gap-5"}>
              {metrics.data && <Tiles metrics={metrics.data} />}
              <div className="grid2">
                <Card title="Services">
                  <Loaded query={metrics} label="Loading the services">
                    {({ processes }) => <ServiceTable services={processes} />}
                  </Loaded>
                </Card>
                <Connections answering={found.services} />
              </div>
              {metrics.data && (
                <Card title="Queues">
                  <QueueTable queues={metrics.data.queues} />
                </Card>
              )}
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

/** Neither the gateway nor the notifier tells anything: what is below was true then. */
function Unheard() {
  return (
    <Verdict
      verdict={{
        ground: "attention",
        headline: "Nobody tells how the system is.",
        detail: "The gateway does not answer this page. Runs live in the ledger and go on without it; it is asked again.",
      }}
    />
  );
}

function Away({ health, metrics }: { health: Health; metrics: Metrics | undefined }) {
  const words = new Map<string, string>(SYSTEMS.map(({ name, word }) => [name, word]));
  const away = Object.entries(health.services)
    .filter(([, state]) => state === "disconnected")
    .map(([name]) => words.get(name) ?? name);
  if (away.length > 0)
    return (
      <Verdict
        verdict={{
          ground: "failed",
          headline: `${away.join(", ")} ${away.length === 1 ? "does" : "do"} not answer.`,
          detail: "The ledger keeps the place of every run; they go on by themselves when it is back.",
        }}
      />
    );
  const abandoned = metrics?.queues.find(isAbandoned);
  if (abandoned)
    return (
      <Verdict
        verdict={{
          ground: "attention",
          headline: `Nobody takes from ${abandoned.name}.`,
          detail: `${counted(abandoned.depth ?? 0, "message")} wait there for the first instance that does.`,
        }}
      />
    );
  const pace = metrics === undefined ? null : busiest(metrics.processes);
  if (pace)
    return (
      <Verdict
        verdict={{
          ground: "attention",
          headline: `${spoken(pace.service)} sets the pace.`,
          detail: `Its workers are ${Math.floor((pace.busyShare ?? 0) * 100)} % busy. That is no fault; another instance would bring more rows a second.`,
        }}
      />
    );
  return <Verdict verdict={{ ground: "completed", headline: "Everything answers.", detail: "Four systems and five services are connected." }} />;
}

/** The service that limits the pace: the busiest one, if it is nearly always busy. */
function busiest(services: Metrics["processes"]): Metrics["processes"][number] | null {
  const [first] = [...services].sort((one, other) => (other.busyShare ?? 0) - (one.busyShare ?? 0));
  return first !== undefined && (first.busyShare ?? 0) >= NEARLY_ALWAYS ? first : null;
}

function Tiles({ metrics }: { metrics: Metrics }) {
  return (
    <section className="card tiles" aria-label="Now">
      <Figure label="Runs active" value={grouped(metrics.activeJobs)} />
      <Figure label="Batches in flight" value={grouped(metrics.queueSize)} remark="dispatched, not settled" />
      <Figure label="Runs completed" value={grouped(metrics.completedJobs)} />
      <Figure label="Runs failed" value={grouped(metrics.failedJobs)} tone={metrics.failedJobs > 0 ? "failed" : undefined} />
    </section>
  );
}

function Connections({ answering }: { answering: Answering }) {
  return (
    <Card title="Connections">
      <ul className="cons">
        {SYSTEMS.map(({ name, word, remark, icon }) => (
          <li key={name}>
            <Icon name={icon} />
            <div>
              <b className="medium">{word}</b>
              <small>{remark}</small>
            </div>
            <StatePill
              state={answering[name] === "connected" ? "completed" : "failed"}
              word={answering[name] === "connected" ? "Connected" : "Does not answer"}
            />
          </li>
        ))}
      </ul>
    </Card>
  );
}
