/** Documents of the API, as far as the pages read them. JSON is camelCase; times are ISO 8601 in UTC. */

export type RunState =
  | "pending"
  | "planning"
  | "running"
  | "paused"
  | "finishing"
  | "completed"
  | "failed"
  | "cancelling"
  | "cancelled";
export type RunStatusWord = "pending" | "running" | "completed" | "failed" | "cancelled";
export type RunKind = "migrate" | "validate" | "verify" | "differential" | "replay" | "undo" | "cleanup" | "health_check";
export type LoadMode = "insert" | "merge" | "check" | "compare" | "patch";
export type MappingState = "planned" | "open" | "paused" | "complete" | "failed";
export type Outcome = "loaded" | "updated" | "unchanged" | "merged" | "filtered" | "quarantined";
export type Role = "admin" | "migration_manager" | "viewer";

export type Permission =
  | `migration:${"read" | "create" | "start" | "cancel" | "pause" | "delete" | "plan" | "replay" | "undo"}`
  | "health:read"
  | "quarantine:unmask"
  | "audit:read"
  | "user:read"
  | "user:write";

export interface Counts extends Record<Outcome, number> {
  read: number;
}

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  remedy: string;
  requestId: string;
  errors: readonly Finding[];
}

export interface Finding {
  message: string;
  field: string;
  file: string;
  line: number;
  column: number;
  remedy: string;
}

export interface Configuration {
  /** Null: people sign in at the gateway. */
  supabaseUrl: string | null;
  supabaseAnonKey: string | null;
  /** Null: the sockets are at this origin. */
  socketUrl: string | null;
}

export interface Me {
  id: string;
  email: string;
  role: Role | null;
  permissions: readonly Permission[];
  expiresAt: string;
  authentication: "local" | "supabase";
}

export interface Session {
  accessToken: string;
  expiresIn: number;
}

export interface Run {
  id: string;
  migrationId: string;
  migration: string;
  kind: RunKind;
  mode: LoadMode;
  state: RunState;
  priority: number;
  actor: string;
  plan: string;
  planVersion: number;
  reason: string;
  message: string;
  remedy: string;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

export interface Migration {
  id: string;
  name: string;
  status: RunStatusWord;
  plan: string;
  planVersion: number;
  source: string;
  target: string;
  createdAt: string;
  createdBy: string;
  lastRun: Run | null;
}

export interface MigrationList {
  migrations: readonly Migration[];
  total: number;
  status: "running" | "failed" | "completed" | "idle";
  nextCursor: string | null;
}

export interface RunList {
  runs: readonly Run[];
  nextCursor: string | null;
}

export interface StartOptions {
  batchSize?: number;
  validateOnly?: boolean;
  skipValidation?: boolean;
  mode?: LoadMode;
  priority?: Priority;
  only?: readonly string[];
}

export type Priority = "LOW" | "NORMAL" | "HIGH" | "CRITICAL";

export interface Progress {
  current: number;
  total: number;
  percentage: number;
  estimated: boolean;
}

export interface BatchCounts {
  planned: number;
  dispatched: number;
  settled: number;
  failed: number;
  split: number;
}

export interface Verdict {
  code: string;
  ground: Ground;
  headline: string;
  detail: string;
  figures: Readonly<Record<string, number>>;
}

/** What a verdict stands on; the names are those of our colours. */
export type Ground = "pending" | "planning" | "paused" | "attention" | "quarantined" | "completed" | "failed" | "cancelled";

export interface Phase {
  phase: RunState;
  startedAt: string;
  endedAt: string | null;
}

export interface MappingStatus {
  mapping: string;
  pass: number;
  state: MappingState;
  waitsFor: readonly string[];
  current: number;
  /** Null until it is counted. */
  total: number | null;
  estimated: boolean;
  counts: Counts;
  batches: BatchCounts;
  inFlight: number;
  notRead: number;
  rowsPerSecond: number;
  startedAt: string | null;
  settledAt: string | null;
  reason: string;
  message: string;
}

export interface Eta {
  seconds: number;
  p10Seconds: number;
  p90Seconds: number | null;
  at: string;
}

export interface StageStatus {
  stage: string;
  workers: number;
  rowsPerSecond: number;
  /** 0 to 1. */
  busyShare: number;
  queueDepth: number | null;
  queueLimit: number | null;
}

/** One pass of a mapping: driving = excluded + read, read = the sum of the outcomes. Null while it is not counted. */
export interface MappingAccount {
  mapping: string;
  pass: number;
  driving: number | null;
  excluded: number | null;
  inSnapshot: number | null;
  counts: Counts;
  unaccounted: number | null;
  balanced: boolean;
}

export interface Balance {
  balanced: boolean;
  inSnapshot: number;
  counts: Counts;
  inFlight: number;
  notRead: number;
  /** Null while a count is missing: that is not 0. */
  unaccounted: number | null;
  mappings: readonly MappingAccount[];
}

export interface WarningCount {
  mapping: string;
  code: string;
  column: string;
  rows: number;
}

export interface QuarantineCount extends WarningCount {
  stage: string;
}

export interface RunStatus {
  /** The migration's. */
  id: string;
  /** Null for a migration that never ran. */
  runId: string | null;
  /** Of two statuses of a run the one of higher `seq` is the younger. */
  seq: number;
  status: RunStatusWord;
  phase: RunState;
  progress: Progress;
  verdict: Verdict;
  migration: string;
  plan: string;
  planVersion: number;
  kind: RunKind | null;
  mode: LoadMode | null;
  actor: string;
  priority: number;
  snapshotCount: number;
  snapshotAt: string | null;
  createdAt: string | null;
  startedAt: string | null;
  completedAt: string | null;
  readAt: string;
  error: { code: string; message: string; remedy: string } | null;
  phases: readonly Phase[];
  mappings: readonly MappingStatus[];
  counts: Counts;
  batches: BatchCounts;
  rowsPerSecond: number;
  averageRowsPerSecond: number;
  eta: Eta | null;
  stages: readonly StageStatus[];
  balance: Balance | null;
  warnings: readonly WarningCount[];
  notices: readonly Notice[];
  quarantine: readonly QuarantineCount[];
}

/** One entry of a run's history. `detail` holds names, counts and codes. */
export interface RunEvent {
  seq: number;
  at: string;
  level: EventLevel;
  kind: string;
  detail: Readonly<Record<string, string | number | null>>;
}

export type EventLevel = "info" | "warning" | "error";

export interface EventList {
  events: readonly RunEvent[];
  /** What `after` must be for the rest; null at the end. */
  nextAfter: number | null;
}

export interface ThroughputBucket {
  at: string;
  rowsPerSecond: number;
  quarantinedPerMinute: number;
}

export interface Throughput {
  startedAt: string | null;
  until: string;
  bucketSeconds: number;
  buckets: readonly ThroughputBucket[];
}

/** Rows of one kind; what they are not grouped by is empty. */
export interface QuarantineGroup {
  mapping: string;
  column: string;
  reason: string;
  stage: string | null;
  waitsFor: string;
  count: number;
  waiting: number;
  title: string;
  remedy: string;
}

export interface MaskedColumn {
  name: string;
  kind: string;
  /** The plan cleared it to be shown. */
  clear: boolean;
  value: string | null;
}

export type RowState = "waiting" | "replayed" | "discarded";

export interface QuarantineRow {
  ref: string;
  mapping: string;
  stage: string;
  reasons: readonly { reason: string; column: string; sqlstate: string; title: string }[];
  columns: readonly MaskedColumn[];
  waitsFor: string;
  state: RowState;
  resolvedAt: string | null;
  createdAt: string;
}

export interface QuarantineList {
  count: number;
  waiting: number;
  /** On the first page only. */
  groups: readonly QuarantineGroup[] | null;
  /** Once a reason, a mapping or a column is chosen. */
  rows: readonly QuarantineRow[] | null;
  nextCursor: string | null;
}

export interface UnmaskedRow {
  ref: string;
  mapping: string;
  legacyKey: string;
  columns: Readonly<Record<string, string | null>>;
  expiresAt: string;
}

export type CheckState = "passed" | "warning" | "failed";

export interface Check {
  code: string;
  name: string;
  state: CheckState;
  message: string;
  /** What mends it, to be copied; absent where nothing has to be mended. */
  fix?: string;
  takesSeconds?: number;
}

export interface Preflight {
  runId: string;
  migrationId: string;
  state: "pending" | "running" | "done" | "failed";
  plan: string;
  planVersion: number;
  actor: string;
  requestedAt: string;
  checkedAt: string | null;
  checks: readonly Check[];
  findings: readonly Finding[];
  error: { code: string; message: string; remedy: string } | null;
}

export interface PlanSummary {
  name: string;
  version: number;
  hash: string;
  createdAt: string;
  /** Null where this version of Transfuse cannot read the text. */
  mappings: number | null;
}

export interface PlanList {
  plans: readonly PlanSummary[];
}

export interface LineageColumn {
  mapping: string;
  table: string;
  column: string;
  expression: string;
  sources: readonly { alias: string; table: string; column: string }[];
  functions: readonly string[];
  codebooks: readonly string[];
  refersTo: readonly string[];
  invented: boolean;
}

export interface PlanMapping {
  name: string;
  target: string;
  from: string;
  key: readonly string[];
  keep: string | null;
  refersTo: readonly string[];
  wave: number;
  columnCount: number;
  rules: readonly { name: string; check: string; otherwise: string }[];
  file: string;
  line: number;
}

export interface Codebook {
  name: string;
  codeCount: number;
  /** The value for an unknown code; null: its row is quarantined. */
  otherwise: string | null;
}

/** What a plan says, as far as it can be told without a database. */
export interface PlanContent {
  valid: boolean;
  errors: readonly Finding[];
  warnings: readonly Finding[];
  sourceSchema: string | null;
  targetSchema: string | null;
  mappings: readonly PlanMapping[];
  lineage: readonly LineageColumn[];
  codebooks: readonly Codebook[];
  unmapped: Readonly<Record<string, string>>;
}

export interface Plan extends PlanContent {
  name: string;
  version: number;
  hash: string;
  createdAt: string;
  files: Readonly<Record<string, string>>;
  versions: readonly { version: number; hash: string; createdAt: string }[];
}

export interface PlanCheck extends PlanContent {
  name: string | null;
  hash: string | null;
}

export interface AuditEntry {
  seq: number;
  at: string;
  actor: string;
  role: string;
  action: string;
  objectKind: string;
  objectId: string;
  outcome: "begun" | "done" | "refused" | "failed";
  address: string;
  requestId: string;
  detail: Readonly<Record<string, unknown>>;
}

export interface Chain {
  verified: "whole" | "broken" | "not_checked";
  checkedAt: string | null;
  count: number;
  /** Number and hash of the last proven entry: what to keep elsewhere. */
  head: string;
  fault: string | null;
  brokenAt: number | null;
}

export interface AuditList {
  entries: readonly AuditEntry[];
  nextCursor: string | null;
  chain: Chain;
}

export interface Health {
  status: "healthy" | "unhealthy";
  timestamp: string;
  services: Readonly<Record<string, "connected" | "disconnected">>;
}

export interface Metrics {
  activeJobs: number;
  completedJobs: number;
  failedJobs: number;
  queueSize: number;
  memoryUsage: number;
  uptime: number;
}

/** The report of a run; its HTML form is served at the same address. */
export interface Report {
  runId: string;
  migrationId: string;
  migration: string;
  plan: string;
  planVersion: number;
  planHash: string;
  kind: RunKind;
  mode: LoadMode;
  state: RunState;
  transfuseVersion: string;
  duckdbVersion: string;
  writtenAt: string;
  snapshotAt: string | null;
  snapshotCount: number;
  startedAt: string | null;
  completedAt: string | null;
  durationSeconds: number | null;
  sentence: string;
  verdict: Verdict;
  balance: Balance;
  evidence: readonly Evidence[];
  warnings: readonly WarningCount[];
  notices: readonly Notice[];
  quarantine: readonly QuarantineCount[];
  phases: readonly Phase[];
  deeds: readonly { at: string; actor: string; verb: string }[];
}

/** A warning about the run as a whole. */
export interface Notice {
  code: string;
  table: string;
  message: string;
}

/** How one figure is known: by which check, with which result, when. */
export interface Evidence {
  code: string;
  check: string;
  result: string;
  state: "holds" | "failed" | "not_checked";
  at: string | null;
}
