import type { Report, Balance, Counts, Health, MappingStatus, Me, Metrics, Migration, Permission, Run, RunStatus } from "../src/api/types";
import type { ProgressEvent } from "../src/live/events";

/** Documents as the gateway sends them, with invented names and counts. */

export const RUN_ID = "0b9f6a52-61d4-4a0e-9d6c-2f1f3f7c1a41";
export const MIGRATION_ID = "7c1f0d1e-3b7a-4b86-8b57-64f4f9a4a001";

export function counts(given: Partial<Counts> = {}): Counts {
  const outcomes = { loaded: 0, updated: 0, unchanged: 0, merged: 0, filtered: 0, quarantined: 0, deleted: 0, different: 0 };
  const found = { ...outcomes, ...given };
  const settled = (Object.keys(outcomes) as (keyof typeof outcomes)[]).reduce((sum, outcome) => sum + found[outcome], 0);
  return { ...found, read: given.read ?? settled };
}

export function mapping(name: string, given: Partial<MappingStatus> = {}): MappingStatus {
  const found = given.counts ?? counts();
  return {
    mapping: name,
    pass: 1,
    state: "open",
    waitsFor: [],
    current: found.read,
    total: found.read,
    estimated: false,
    counts: found,
    batches: { planned: 0, dispatched: 0, settled: 1, failed: 0, split: 0 },
    inFlight: 0,
    notRead: 0,
    rowsPerSecond: 0,
    startedAt: "2026-11-22T00:12:00Z",
    settledAt: null,
    reason: "",
    message: "",
    ...given,
  };
}

export function balance(mappings: readonly MappingStatus[], given: Partial<Balance> = {}): Balance {
  const sumOf = (key: keyof Counts): number => mappings.reduce((sum, { counts: one }) => sum + one[key], 0);
  const total = Object.fromEntries((Object.keys(counts()) as (keyof Counts)[]).map((key) => [key, sumOf(key)])) as Counts;
  return {
    balanced: true,
    inSnapshot: total.read,
    counts: total,
    inFlight: 0,
    notRead: 0,
    unaccounted: 0,
    mappings: mappings.map((one) => ({
      mapping: one.mapping,
      pass: one.pass,
      driving: one.counts.read,
      excluded: 0,
      inSnapshot: one.counts.read,
      counts: one.counts,
      unaccounted: 0,
      balanced: true,
    })),
    ...given,
  };
}

export function status(given: Partial<RunStatus> = {}): RunStatus {
  const mappings = given.mappings ?? [
    mapping("orders", { counts: counts({ loaded: 900, quarantined: 14, filtered: 86 }), total: 2000, rowsPerSecond: 120, inFlight: 50, notRead: 950 }),
    mapping("offices", { state: "complete", counts: counts({ loaded: 40 }) }),
  ];
  const held = balance(mappings);
  return {
    id: MIGRATION_ID,
    runId: RUN_ID,
    seq: 10,
    status: "running",
    phase: "running",
    progress: { current: held.counts.read, total: 2040, percentage: 50.9, estimated: false },
    verdict: { code: "running", ground: "completed", headline: "Nothing needs you.", detail: "Rows move at the usual pace.", figures: {} },
    migration: "Patient portal",
    plan: "clinic",
    planVersion: 14,
    kind: "migrate",
    mode: "insert",
    actor: "night.operator-2",
    priority: 5,
    snapshotCount: 1,
    snapshotAt: "2026-11-22T00:12:30Z",
    createdAt: "2026-11-22T00:11:48Z",
    startedAt: "2026-11-22T00:12:00Z",
    completedAt: null,
    readAt: "2026-11-22T01:47:00Z",
    error: null,
    phases: [
      { phase: "pending", startedAt: "2026-11-22T00:11:48Z", endedAt: "2026-11-22T00:12:00Z" },
      { phase: "planning", startedAt: "2026-11-22T00:12:00Z", endedAt: "2026-11-22T00:13:12Z" },
      { phase: "running", startedAt: "2026-11-22T00:13:12Z", endedAt: null },
    ],
    mappings,
    counts: held.counts,
    batches: { planned: 4, dispatched: 3, settled: 7, failed: 0, split: 0 },
    rowsPerSecond: 120,
    averageRowsPerSecond: 110,
    eta: null,
    stages: [
      { stage: "extract", workers: 2, rowsPerSecond: 130, busyShare: 0.41, queueDepth: 0, queueLimit: 64 },
      { stage: "transform", workers: 3, rowsPerSecond: 125, busyShare: 0.67, queueDepth: 11, queueLimit: 64 },
      { stage: "load", workers: 1, rowsPerSecond: 120, busyShare: 0.98, queueDepth: 57, queueLimit: 64 },
    ],
    balance: held,
    warnings: [],
    notices: [],
    broughtIn: [],
    sums: [],
    resolved: [],
    quarantine: [{ mapping: "orders", stage: "transform", code: "unknown_code", column: "status", rows: 14 }],
    ...given,
  };
}

export function progressOf(status: RunStatus): ProgressEvent {
  return {
    migrationId: status.id,
    runId: status.runId,
    seq: status.seq,
    progress: status.progress.percentage,
    current: status.progress.current,
    total: status.progress.total,
    message: status.verdict.headline,
    phase: status.phase,
    mappings: status.mappings,
    rowsPerSecond: status.rowsPerSecond,
    etaSeconds: status.eta?.seconds ?? null,
    status,
  };
}

export function report(given: Partial<Report> = {}): Report {
  const of = status();
  return {
    runId: RUN_ID,
    migrationId: MIGRATION_ID,
    migration: of.migration,
    plan: of.plan,
    planVersion: of.planVersion,
    planHash: "9c41b7f2a08d5e6f",
    kind: "migrate",
    mode: "insert",
    state: "completed",
    transfuseVersion: "0.1.0",
    duckdbVersion: "1.4.0",
    writtenAt: of.readAt,
    snapshotAt: of.snapshotAt,
    snapshotCount: 1,
    startedAt: of.startedAt,
    completedAt: of.readAt,
    durationSeconds: 5700,
    sentence: "1,040 rows were read and every one is accounted for.",
    verdict: of.verdict,
    balance: balance(of.mappings),
    evidence: [{ code: "counted", check: "Counted in the snapshot", result: "2 of 2 equal", state: "holds", at: of.readAt }],
    warnings: [],
    notices: [],
    broughtIn: [{ mapping: "doctors", column: "specialty", kind: "invented", rows: 12 }],
    quarantine: of.quarantine,
    resolved: [],
    phases: of.phases,
    deeds: [{ at: of.readAt, actor: "night.operator-2", verb: "start" }],
    sums: [],
    filters: [],
    codebooks: [],
    times: [],
    verify: null,
    audit: [],
    ...given,
  };
}

export function run(given: Partial<Run> = {}): Run {
  return {
    id: RUN_ID,
    migrationId: MIGRATION_ID,
    migration: "Patient portal",
    type: "migration",
    kind: "migrate",
    mode: "insert",
    state: "running",
    priority: 5,
    actor: "night.operator-2",
    plan: "clinic",
    planVersion: 14,
    reason: "",
    message: "",
    remedy: "",
    createdAt: "2026-11-22T00:11:48Z",
    startedAt: "2026-11-22T00:12:00Z",
    finishedAt: null,
    about: null,
    undoneAt: null,
    counts: counts(),
    warnings: [],
    notices: [],
    warningCount: 0,
    ...given,
  };
}

export function migration(given: Partial<Migration> = {}): Migration {
  return {
    id: MIGRATION_ID,
    name: "Patient portal",
    status: "pending",
    plan: "clinic",
    planVersion: 14,
    source: "default",
    target: "default",
    createdAt: "2026-11-14T09:00:00Z",
    createdBy: "ops.lead",
    lastRun: null,
    ...given,
  };
}

const VIEWER: readonly Permission[] = ["migration:read", "health:read"];
const MANAGER: readonly Permission[] = [
  ...VIEWER,
  "migration:create",
  "migration:start",
  "migration:cancel",
  "migration:pause",
  "migration:delete",
  "migration:plan",
  "migration:replay",
  "migration:undo",
];
const ADMIN: readonly Permission[] = [...MANAGER, "quarantine:unmask", "audit:read", "user:read", "user:write"];

export function me(role: "admin" | "migration_manager" | "viewer"): Me {
  return {
    id: "5d7f8f0a-52e1-4f7b-8a2c-1d2f3a4b5c6d",
    email: "night.operator-2@clinic.example",
    role,
    permissions: { admin: ADMIN, migration_manager: MANAGER, viewer: VIEWER }[role],
    expiresAt: "2026-11-22T12:00:00Z",
    authentication: "local",
  };
}

export function health(away: readonly (keyof Health["services"])[] = []): Health {
  const names = ["database", "legacyDb", "rabbitmq", "redis", "extractor", "transformer", "loader", "notifier"] as const;
  const services = Object.fromEntries(names.map((name) => [name, away.includes(name) ? "disconnected" : "connected"])) as Health["services"];
  return { status: away.length === 0 ? "healthy" : "unhealthy", timestamp: "2026-11-22T01:47:00Z", services };
}

export function service(name: string, given: Partial<Metrics["processes"][number]> = {}): Metrics["processes"][number] {
  return {
    service: name,
    state: "up",
    instances: 1,
    version: "0.1.0",
    memoryBytes: 123_731_968,
    cpuShare: 0.25,
    workers: 0,
    busyShare: null,
    unreachable: [],
    ...given,
  };
}

export function queue(name: string, given: Partial<Metrics["queues"][number]> = {}): Metrics["queues"][number] {
  return { name, depth: 0, inFlight: 0, consumers: 1, workers: 2, busyShare: 0.5, ...given };
}

export function metrics(given: Partial<Metrics> = {}): Metrics {
  return {
    activeJobs: 1,
    completedJobs: 2,
    failedJobs: 0,
    queueSize: 73,
    memoryUsage: 124_000_000,
    uptime: 5700,
    queues: ["plan", "extract", "transform", "load", "finish"].map((name) => queue(name)),
    processes: ["gateway", "extractor", "transformer", "loader", "notifier"].map((name) => service(name)),
    ...given,
  };
}
