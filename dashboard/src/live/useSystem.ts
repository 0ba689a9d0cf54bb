import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { healthQuery, metricsQuery } from "../api/queries";
import { useNow } from "../components/clock";
import type { SystemMetrics } from "./events";
import { socketService } from "./MigrationStore";

/** Three answers of the gateway that did not come. */
const STALE_MS = 15_000;

interface Told {
  system: SystemMetrics;
  at: number;
}

/**
 * The whole installation: what the socket tells, and what the gateway answers while the line is down; the younger of the two.
 * `uptimeSeconds` is the gateway's: the socket tells the notifier's.
 */
export function useSystem() {
  const health = useQuery(healthQuery());
  const metrics = useQuery(metricsQuery());
  const told = useTold();
  const now = useNow();
  const at = Math.max(health.dataUpdatedAt, told?.at ?? 0);
  return {
    health: { ...health, data: younger(health, told) },
    metrics: { ...metrics, data: younger(metrics, told) },
    uptimeSeconds: metrics.data?.uptime,
    at: new Date(at),
    stale: at > 0 && now.getTime() - at > STALE_MS,
  };
}

function younger<T>({ data, dataUpdatedAt }: { data: T | undefined; dataUpdatedAt: number }, told: Told | null): T | SystemMetrics | undefined {
  return told !== null && told.at > dataUpdatedAt ? told.system : data;
}

function useTold(): Told | null {
  const [told, setTold] = useState<Told | null>(null);
  useEffect(() => {
    const stop = socketService.onMetrics((system) => setTold({ system, at: Date.now() }));
    socketService.subscribeSystem();
    return () => {
      stop();
      socketService.unsubscribeSystem();
    };
  }, []);
  return told;
}
