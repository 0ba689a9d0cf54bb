import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { healthQuery, metricsQuery } from "../api/queries";
import type { Health, Metrics } from "../api/types";
import { Ago } from "../components/Ago";
import { Card } from "../components/Card";
import { EmptyState } from "../components/EmptyState";
import { Figure } from "../components/Figure";
import { Head } from "../components/Head";
import { Icon } from "../components/Icon";
import type { IconName } from "../components/drawings";
import { StatePill } from "../components/StatePill";
import { Verdict } from "../components/Verdict";
import { bytes, grouped } from "../format/number";
import { span } from "../format/time";
import { socketService } from "../live/MigrationStore";
import type { SystemMetrics } from "../live/events";
import { useMay } from "../live/SessionStore";
import { useCrumbs } from "../shell/crumbs";
import { useTitle } from "../shell/useTitle";
import { Loaded } from "./Loaded";

interface Known {
  word: string;
  remark: string;
  icon: IconName;
}

const SYSTEMS: Record<string, Known> = {
  legacyDb: { word: "Legacy database", remark: "read only, seen by the extractor", icon: "db" },
  database: { word: "Target", remark: "with the ledger, seen by the loader", icon: "db" },
  rabbitmq: { word: "RabbitMQ", remark: "carries batches; loses none that the ledger knows", icon: "split" },
  redis: { word: "Redis", remark: "rate limits and snapshots", icon: "system" },
};
const SERVICES: Record<string, Known> = {
  extractor: { word: "extractor", remark: "reads batches from the legacy database", icon: "arrow" },
  transformer: { word: "transformer", remark: "carries out the plan", icon: "plan" },
  loader: { word: "loader", remark: "writes and settles", icon: "down" },
  notifier: { word: "notifier", remark: "tells pages what moved", icon: "bell" },
};

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
  const health = useQuery(healthQuery());
  const metrics = useQuery(metricsQuery());
  const live = useSystem();
  const shown: Health | undefined = live ?? health.data;
  return (
    <>
      <Head
        title="System"
        beside={
          shown && <StatePill state={shown.status === "healthy" ? "completed" : "failed"} word={shown.status === "healthy" ? "Healthy" : "Unhealthy"} />
        }
        facts={
          <>
            {metrics.data && <span>up {span((live ?? metrics.data).uptime)}</span>}
            {shown && (
              <span>
                checked <Ago at={shown.timestamp} />
              </span>
            )}
          </>
        }
      />
      <Loaded query={{ ...health, data: shown }} label="Loading the state of the system">
        {(found) => (
          <>
            <Away health={found} />
            {metrics.data && <Tiles metrics={live ?? metrics.data} />}
            <div className="grid2">
              <Connections title="Services" known={SERVICES} health={found} up="Healthy" />
              <Connections title="Connections" known={SYSTEMS} health={found} up="Connected" />
            </div>
          </>
        )}
      </Loaded>
    </>
  );
}

/** Metrics as the socket tells them, while this page is open. */
function useSystem(): SystemMetrics | null {
  const [metrics, setMetrics] = useState<SystemMetrics | null>(null);
  useEffect(() => {
    const stop = socketService.onMetrics(setMetrics);
    socketService.subscribeSystem();
    return () => {
      stop();
      socketService.unsubscribeSystem();
    };
  }, []);
  return metrics;
}

function Away({ health }: { health: Health }) {
  const known: Record<string, Known> = { ...SYSTEMS, ...SERVICES };
  const away = Object.entries(health.services)
    .filter(([, state]) => state === "disconnected")
    .map(([name]) => known[name]?.word ?? name);
  if (away.length === 0)
    return <Verdict verdict={{ ground: "completed", headline: "Everything answers.", detail: "Four systems and four services are connected." }} />;
  return (
    <Verdict
      verdict={{
        ground: "failed",
        headline: `${away.join(", ")} ${away.length === 1 ? "does" : "do"} not answer.`,
        detail: "The ledger keeps the place of every run; they go on by themselves when it is back.",
      }}
    />
  );
}

function Tiles({ metrics }: { metrics: Metrics }) {
  const memory = bytes(metrics.memoryUsage);
  return (
    <section className="card tiles" aria-label="Now">
      <Figure label="Runs active" value={grouped(metrics.activeJobs)} />
      <Figure label="Batches in flight" value={grouped(metrics.queueSize)} remark="dispatched, not settled" />
      <Figure label="Runs completed" value={grouped(metrics.completedJobs)} />
      <Figure label="Runs failed" value={grouped(metrics.failedJobs)} tone={metrics.failedJobs > 0 ? "failed" : undefined} />
      <Figure label="Memory" value={memory.value} unit={memory.unit} remark="of the gateway" />
    </section>
  );
}

interface ConnectionsProps {
  title: string;
  known: Record<string, Known>;
  health: Health;
  up: string;
}

function Connections({ title, known, health, up }: ConnectionsProps) {
  return (
    <Card title={title}>
      <ul className="cons">
        {Object.entries(known).map(([name, { word, remark, icon }]) => {
          const state = (health.services as Readonly<Record<string, "connected" | "disconnected">>)[name];
          return (
            <li key={name}>
              <Icon name={icon} />
              <div>
                <b className="medium">{word}</b>
                <small>{remark}</small>
              </div>
              {state === undefined ? (
                <span className="muted xs">unknown</span>
              ) : (
                <StatePill state={state === "connected" ? "completed" : "failed"} word={state === "connected" ? up : "Does not answer"} />
              )}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
