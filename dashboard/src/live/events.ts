import type { Counts, Health, MappingState, Metrics, RunState, RunStatus, RunStatusWord } from "../api/types";

/** What the notifier sends. Each event is a whole snapshot with a rising `seq`: a lost one is harmless. */

export interface MappingProgress {
  mapping: string;
  pass: number;
  state: MappingState;
  current: number;
  /** null until it is counted. */
  total: number | null;
  counts: Counts;
  rowsPerSecond: number;
}

export interface ProgressEvent {
  migrationId: string;
  /** null while the migration has never run. */
  runId: string | null;
  seq: number;
  /** 0 to 100. */
  progress: number;
  current: number;
  total: number;
  message: string;
  phase: RunState;
  mappings: readonly MappingProgress[];
  rowsPerSecond: number;
  etaSeconds: number | null;
  /** The same as the API tells: verdict, stages, mappings, balance. Nothing has to be asked while it moves. */
  status: RunStatus;
}

export interface StatusEvent {
  migrationId: string;
  runId: string | null;
  seq: number;
  status: RunStatusWord;
  /** The finer word for it. */
  phase: RunState;
  timestamp: string;
}

export interface FailureEvent {
  migrationId: string;
  runId: string;
  seq: number;
  /** A sentence. */
  error: string;
  /** The word for programs. */
  code: string;
  remedy: string;
  timestamp: string;
}

export interface CompletedEvent {
  migrationId: string;
  runId: string;
  seq: number;
  timestamp: string;
  summary: {
    runId: string;
    status: RunStatusWord;
    rows: Counts;
    warnings: number;
    durationSeconds: number;
    reportUrl: string;
  };
}

/** What two endpoints tell, read together; its time is that of the reading. */
export type SystemMetrics = Metrics & Health;

export type Acknowledged = { ok: true } | { error: { code: string; message: string } };

export interface ServerEvents {
  "migration:progress": (event: ProgressEvent) => void;
  "migration:status": (event: StatusEvent) => void;
  "migration:error": (event: FailureEvent) => void;
  "migration:completed": (event: CompletedEvent) => void;
  "system:metrics": (metrics: SystemMetrics) => void;
}

export interface ClientEvents {
  "migration:subscribe": (migrationId: string, acknowledge: (answer: Acknowledged) => void) => void;
  "migration:unsubscribe": (migrationId: string, acknowledge: (answer: Acknowledged) => void) => void;
  "system:subscribe": (acknowledge: (answer: Acknowledged) => void) => void;
  "system:unsubscribe": (acknowledge: (answer: Acknowledged) => void) => void;
}
