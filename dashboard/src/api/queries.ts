import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { ApiProblem } from "./ApiProblem";
import { api } from "./client";
import { isActive } from "../words/states";
import type { EventList, RunEvent, PlanList, PlanSummary } from "./types";

/** What the pages ask, with the keys under which answers are kept in memory. */

export interface MigrationFilters {
  status?: string | undefined;
  search?: string | undefined;
  sort?: string | undefined;
}

/** Lists tell what others start, too: nothing but asking again does. */
const LISTS_EVERY_MS = 15_000;

export function migrationsQuery(filters: MigrationFilters = {}) {
  return infiniteQueryOptions({
    queryKey: ["migrations", filters],
    queryFn: ({ pageParam, signal }) => api.getMigrations({ ...filters, cursor: pageParam }, signal),
    refetchInterval: LISTS_EVERY_MS,
    placeholderData: keepPreviousData,
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

export function migrationQuery(id: string) {
  return queryOptions({ queryKey: ["migration", id], queryFn: ({ signal }) => api.getMigration(id, signal), refetchInterval: LISTS_EVERY_MS });
}

export function runsQuery(migrationId: string) {
  return infiniteQueryOptions({
    queryKey: ["runs", migrationId],
    queryFn: ({ pageParam, signal }) => api.getRuns(migrationId, { cursor: pageParam }, signal),
    refetchInterval: LISTS_EVERY_MS,
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

/** Replays of a run's refused rows, the youngest first. */
export function replaysQuery(migrationId: string | undefined, about: string) {
  return queryOptions({
    queryKey: ["run", about, "replays"],
    enabled: migrationId !== undefined,
    queryFn: async ({ signal }) => {
      const { runs } = await api.getRuns(migrationId ?? "", { kind: "replay", limit: 200 }, signal);
      return runs.filter((run) => run.about === about);
    },
  });
}

export function runQuery(id: string) {
  return queryOptions({ queryKey: ["run", id, "document"], queryFn: ({ signal }) => api.getRun(id, signal) });
}

export function runStatusQuery(id: string) {
  return queryOptions({ queryKey: ["run", id, "status"], queryFn: ({ signal }) => api.getRunStatus(id, signal) });
}

export function throughputQuery(id: string) {
  return queryOptions({ queryKey: ["run", id, "throughput"], queryFn: ({ signal }) => api.getThroughput(id, signal) });
}

const EVENTS = 1000;

/** The whole history of a run, newest first; of one level or of all. */
export function eventsQuery(id: string, level = "") {
  return queryOptions({
    queryKey: ["run", id, "events", level],
    queryFn: async ({ signal }) => {
      const events: RunEvent[] = [];
      for (let after: number | null = 0; after !== null; ) {
        const part: EventList = await api.getEvents(id, { level, after, limit: EVENTS }, signal);
        events.push(...part.events);
        after = part.nextAfter;
      }
      return events.reverse();
    },
  });
}

export function reportQuery(id: string) {
  return queryOptions({ queryKey: ["run", id, "report"], queryFn: ({ signal }) => api.getReport(id, signal) });
}

export interface QuarantineGroupFilters {
  by: string;
  mapping: string;
  state: string;
}

export function quarantineGroupsQuery(id: string, filters: QuarantineGroupFilters) {
  return queryOptions({
    queryKey: ["run", id, "quarantine", "groups", filters],
    // With a mapping come rows, too, which are asked for below.
    queryFn: ({ signal }) => api.getQuarantine(id, { ...filters, limit: 1 }, signal),
    placeholderData: keepPreviousData,
  });
}

export interface QuarantineRowFilters {
  reason: string;
  mapping: string;
  column: string;
  state: string;
}

/** Rows of one kind: one of the first three filters must be there. */
export function quarantineRowsQuery(id: string, filters: QuarantineRowFilters) {
  return infiniteQueryOptions({
    queryKey: ["run", id, "quarantine", "rows", filters],
    enabled: filters.reason !== "" || filters.mapping !== "" || filters.column !== "",
    queryFn: ({ pageParam, signal }) => api.getQuarantine(id, { ...filters, cursor: pageParam }, signal),
    placeholderData: keepPreviousData,
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

const VERIFY_EVERY_MS = 5000;

/** What is known of a run's rows in the target; asked for again while a verify goes on. */
export function verificationQuery(id: string) {
  return queryOptions({
    queryKey: ["run", id, "verification"],
    queryFn: ({ signal }) => api.getVerification(id, signal),
    refetchInterval: ({ state }) => (state.data && isActive(state.data.state) ? VERIFY_EVERY_MS : false),
  });
}

export interface FindingFilters {
  mapping: string;
  kind: string;
}

export function findingsQuery(id: string, filters: FindingFilters) {
  return infiniteQueryOptions({
    queryKey: ["run", id, "findings", filters],
    queryFn: ({ pageParam, signal }) => api.getFindings(id, { ...filters, cursor: pageParam }, signal),
    placeholderData: keepPreviousData,
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

export function validationQuery(id: string) {
  return queryOptions({ queryKey: ["run", id, "validation"], queryFn: ({ signal }) => api.getValidation(id, signal) });
}

const PREFLIGHT_EVERY_MS = 1500;

/** The latest preflight; null where none was asked for. It is asked again while one is under way. */
export function preflightQuery(migrationId: string) {
  return queryOptions({
    queryKey: ["preflight", migrationId],
    queryFn: async ({ signal }) => {
      try {
        return await api.getPreflight(migrationId, signal);
      } catch (error) {
        if (error instanceof ApiProblem && error.status === 404 && error.code !== "unknown_migration") return null;
        throw error;
      }
    },
    refetchInterval: ({ state }) =>
      state.data?.state === "pending" || state.data?.state === "running" ? PREFLIGHT_EVERY_MS : false,
  });
}

/** All plans: lists and choices name every one. */
export function plansQuery() {
  return queryOptions({
    queryKey: ["plans"],
    queryFn: async ({ signal }) => {
      const plans: PlanSummary[] = [];
      for (let cursor: string | null = ""; cursor !== null; ) {
        const part: PlanList = await api.getPlans({ cursor }, signal);
        plans.push(...part.plans);
        cursor = part.nextCursor;
      }
      return { plans };
    },
  });
}

export function planQuery(name: string, version?: number) {
  return queryOptions({ queryKey: ["plan", name, version ?? 0], queryFn: ({ signal }) => api.getPlan(name, version, signal) });
}

export interface AuditFilters {
  actor?: string | undefined;
  action?: string | undefined;
  objectId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

export function auditQuery(filters: AuditFilters) {
  return infiniteQueryOptions({
    queryKey: ["audit", filters],
    queryFn: ({ pageParam, signal }) => api.getAudit({ ...filters, cursor: pageParam }, signal),
    placeholderData: keepPreviousData,
    initialPageParam: "",
    getNextPageParam: (page) => page.nextCursor ?? undefined,
  });
}

const SYSTEM_EVERY_MS = 5000;

export function healthQuery() {
  return queryOptions({ queryKey: ["health"], queryFn: ({ signal }) => api.getHealth(signal), refetchInterval: SYSTEM_EVERY_MS });
}

export function metricsQuery() {
  return queryOptions({ queryKey: ["metrics"], queryFn: ({ signal }) => api.getMetrics(signal), refetchInterval: SYSTEM_EVERY_MS });
}
