import { ApiProblem } from "./ApiProblem";
import type {
  AuditList,
  BuiltOn,
  Configuration,
  DiscardForm,
  Discarded,
  EditForm,
  EditedRow,
  EventList,
  FindingList,
  Health,
  Me,
  Metrics,
  Migration,
  MigrationList,
  Plan,
  PlanCheck,
  PlanList,
  Preflight,
  ProblemDocument,
  QuarantineList,
  RepairForm,
  RowChoice,
  Report,
  Run,
  RunList,
  RunStatus,
  Session,
  StartOptions,
  Throughput,
  UnmaskedRow,
  Validation,
  Verification,
  VerifyForm,
} from "./types";

/** Gives the token of the moment; `renew` gets another one when the gateway refused it, and says whether there is one. */
export interface Credentials {
  token: () => string | null;
  renew: () => Promise<boolean>;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Request {
  query?: Query;
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** Without a token and without renewing one. */
  open?: boolean;
  /** A refused token is not renewed. */
  once?: boolean;
}

const NOBODY: Credentials = { token: () => null, renew: () => Promise.resolve(false) };
const TIMEOUT_MS = 30_000;

/** The gateway's API, one method per operation. Every refusal is an ApiProblem. */
export class ApiClient {
  readonly #base: string;
  #credentials: Credentials = NOBODY;

  constructor(base = "") {
    this.#base = base;
  }

  /** Whose token is sent from now on. */
  authenticate(credentials: Credentials): void {
    this.#credentials = credentials;
  }

  getConfig(): Promise<Configuration> {
    return this.#ask("GET", "/api/config", { open: true });
  }

  login(email: string, password: string): Promise<Session> {
    return this.#ask("POST", "/api/auth/login", { body: { email, password }, open: true });
  }

  /** Another access token for the cookie that only the gateway can read; null where there is none: nobody is signed in. */
  async refresh(): Promise<Session | null> {
    return (await this.#ask<Session | undefined>("POST", "/api/auth/refresh", { body: {}, open: true })) ?? null;
  }

  logout(everywhere = false): Promise<void> {
    return this.#ask("POST", "/api/auth/logout", { body: { everywhere } });
  }

  getMe(): Promise<Me> {
    return this.#ask("GET", "/api/auth/me", { once: true });
  }

  getMigrations(query: Query = {}, signal?: AbortSignal): Promise<MigrationList> {
    return this.#ask("GET", "/api/migrations", { query, signal });
  }

  getMigration(id: string, signal?: AbortSignal): Promise<Migration> {
    return this.#ask("GET", `/api/migrations/${encodeURIComponent(id)}`, { signal });
  }

  createMigration(name: string, plan: string): Promise<Migration> {
    return this.#ask("POST", "/api/migrations", { body: { name, plan } });
  }

  deleteMigration(id: string, force = false): Promise<void> {
    return this.#ask("DELETE", `/api/migrations/${encodeURIComponent(id)}`, { query: force ? { force } : {} });
  }

  /** Starts a run. The same `key` with the same options starts it once, however often it is sent. */
  startMigration(migrationId: string, options: StartOptions = {}, key: string = crypto.randomUUID()): Promise<Run> {
    return this.#ask("POST", "/api/migrations/start", { body: { migrationId, options }, headers: { "Idempotency-Key": key } });
  }

  getMigrationStatus(id: string, signal?: AbortSignal): Promise<RunStatus> {
    return this.#ask("GET", `/api/migrations/${encodeURIComponent(id)}/status`, { signal });
  }

  cancelMigration(id: string): Promise<Run> {
    return this.#ask("POST", `/api/migrations/${encodeURIComponent(id)}/cancel`);
  }

  pauseMigration(id: string): Promise<Run> {
    return this.#ask("POST", `/api/migrations/${encodeURIComponent(id)}/pause`);
  }

  /** Ends this run for good, whichever run its migration is at. */
  cancelRun(id: string): Promise<Run> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/cancel`);
  }

  /** Goes on with what is paused or failed: with these mappings alone, or with all where none is named. */
  resumeMigration(id: string, mappings: readonly string[] = []): Promise<Run> {
    return this.#ask("POST", `/api/migrations/${encodeURIComponent(id)}/resume`, { body: mappings.length > 0 ? { mappings } : undefined });
  }

  getRuns(migrationId: string, query: Query = {}, signal?: AbortSignal): Promise<RunList> {
    return this.#ask("GET", `/api/migrations/${encodeURIComponent(migrationId)}/runs`, { query, signal });
  }

  getRun(id: string, signal?: AbortSignal): Promise<Run> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}`, { signal });
  }

  getRunStatus(id: string, signal?: AbortSignal): Promise<RunStatus> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/status`, { signal });
  }

  getReport(id: string, signal?: AbortSignal): Promise<Report> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/report`, { signal });
  }

  getEvents(id: string, query: Query = {}, signal?: AbortSignal): Promise<EventList> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/events`, { query, signal });
  }

  getThroughput(id: string, signal?: AbortSignal): Promise<Throughput> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/throughput`, { signal });
  }

  getQuarantine(id: string, query: Query = {}, signal?: AbortSignal): Promise<QuarantineList> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/quarantine`, { query, signal });
  }

  /** The values of one refused row, for a reason that goes into the audit. */
  unmask(id: string, ref: string, reason: string): Promise<UnmaskedRow> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/quarantine/${encodeURIComponent(ref)}/unmask`, {
      body: { reason },
    });
  }

  /** Starts a run that removes what this one inserted and restores what it changed. */
  undoRun(id: string, builtOn: BuiltOn): Promise<Run> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/undo`, { body: { builtOn } });
  }

  /** Starts a run that computes the rows of this one again and compares them with the target. */
  verifyRun(id: string, asked: VerifyForm = {}): Promise<Run> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/verify`, { body: asked });
  }

  /** Starts a run that writes the rows which a verify found to be different or missing. */
  repairRun(id: string, asked: RepairForm = {}): Promise<Run> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/repair`, { body: asked });
  }

  getVerification(id: string, signal?: AbortSignal): Promise<Verification> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/verification`, { signal });
  }

  getFindings(id: string, query: Query = {}, signal?: AbortSignal): Promise<FindingList> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/findings`, { query, signal });
  }

  getValidation(id: string, signal?: AbortSignal): Promise<Validation> {
    return this.#ask("GET", `/api/runs/${encodeURIComponent(id)}/validation`, { signal });
  }

  /** Starts a run that takes refused rows through the newest version of the plan. */
  replayRows(id: string, chosen: RowChoice): Promise<Run> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/replay`, { body: chosen });
  }

  /** Decides that refused rows are not brought over. */
  discardRows(id: string, chosen: DiscardForm): Promise<Discarded> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/quarantine/discard`, { body: chosen });
  }

  /** Writes down another value for a column of a refused row; its next replay reads it instead of the source's. */
  editRow(id: string, ref: string, edit: EditForm): Promise<EditedRow> {
    return this.#ask("POST", `/api/runs/${encodeURIComponent(id)}/quarantine/${encodeURIComponent(ref)}/edit`, { body: edit });
  }

  requestPreflight(migrationId: string): Promise<Preflight> {
    return this.#ask("POST", `/api/migrations/${encodeURIComponent(migrationId)}/preflight`);
  }

  getPreflight(migrationId: string, signal?: AbortSignal): Promise<Preflight> {
    return this.#ask("GET", `/api/migrations/${encodeURIComponent(migrationId)}/preflight`, { signal });
  }

  getPlans(query: Query = {}, signal?: AbortSignal): Promise<PlanList> {
    return this.#ask("GET", "/api/plans", { query, signal });
  }

  getPlan(name: string, version?: number, signal?: AbortSignal): Promise<Plan> {
    return this.#ask("GET", `/api/plans/${encodeURIComponent(name)}`, { query: { version }, signal });
  }

  putPlan(name: string, files: Readonly<Record<string, string>>): Promise<Plan> {
    return this.#ask("PUT", `/api/plans/${encodeURIComponent(name)}`, { body: { files } });
  }

  checkPlan(name: string, files: Readonly<Record<string, string>>): Promise<PlanCheck> {
    return this.#ask("POST", `/api/plans/${encodeURIComponent(name)}/check`, { body: { files } });
  }

  getAudit(query: Query = {}, signal?: AbortSignal): Promise<AuditList> {
    return this.#ask("GET", "/api/audit", { query, signal });
  }

  async getHealth(signal?: AbortSignal): Promise<Health> {
    try {
      return await this.#ask<Health>("GET", "/api/health", { signal });
    } catch (error) {
      // 503 carries the same document: which services are away is what was asked.
      if (error instanceof Unhealthy) return error.health;
      throw error;
    }
  }

  getMetrics(signal?: AbortSignal): Promise<Metrics> {
    return this.#ask("GET", "/api/metrics", { signal });
  }

  async #ask<T>(method: string, path: string, request: Request = {}): Promise<T> {
    let response = await this.#send(method, path, request);
    if (response.status === 401 && request.open !== true && request.once !== true && (await this.#credentials.renew()))
      response = await this.#send(method, path, request);
    if (!response.ok) throw await problemOf(response);
    if (response.status === 204) return undefined as T;
    return (await response.json()) as T;
  }

  async #send(method: string, path: string, { query, body, headers, signal, open }: Request): Promise<Response> {
    const token = open === true ? null : this.#credentials.token();
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    try {
      return await fetch(this.#base + path + queryText(query), {
        method,
        cache: "no-store",
        credentials: "same-origin",
        referrerPolicy: "no-referrer",
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        headers: {
          Accept: "application/json",
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new ApiProblem({ remedy: "Runs are not affected: they live in the ledger. It is tried again." });
    }
  }
}

/** A health document that came with 503. */
class Unhealthy extends ApiProblem {
  readonly health: Health;

  constructor(health: Health) {
    super({ status: 503, code: "unhealthy", detail: "Something is disconnected" });
    this.health = health;
  }
}

function queryText(query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(name, String(value));
  const text = search.toString();
  return text && `?${text}`;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  let document: unknown;
  try {
    document = await response.json();
  } catch {
    return new ApiProblem({ status: response.status });
  }
  if (response.status === 503 && isHealth(document)) return new Unhealthy(document);
  const wait = Number(response.headers.get("Retry-After"));
  const retryAfter = Number.isFinite(wait) && wait > 0 ? wait : null;
  return new ApiProblem({ ...(document as Partial<ProblemDocument>), status: response.status }, retryAfter);
}

function isHealth(document: unknown): document is Health {
  return typeof document === "object" && document !== null && "services" in document && "timestamp" in document;
}
