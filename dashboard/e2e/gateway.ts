import { stack, type Role } from "./stack";

interface RunDocument {
  id: string;
  state: string;
}

interface MigrationDocument {
  id: string;
  name: string;
  lastRun: RunDocument | null;
}

const PATIENCE_MS = 60_000;
const EVERY_MS = 200;

/** A person without a browser: what the pages' tests need to be there, and what the API says to whom. */
export class Gateway {
  readonly #token: string;

  private constructor(token: string) {
    this.#token = token;
  }

  static async as(role: Role): Promise<Gateway> {
    const { email, password } = stack.accounts[role];
    const answer = await fetch(new URL("/api/auth/login", stack.url), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ email, password }),
    });
    if (!answer.ok) throw new Error(`${role} could not sign in: ${answer.status}`);
    return new Gateway(((await answer.json()) as { accessToken: string }).accessToken);
  }

  async ask(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(new URL(path, stack.url), {
      method,
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(path.endsWith("/start") ? { "Idempotency-Key": crypto.randomUUID() } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async get<T>(path: string): Promise<T> {
    return this.#read(await this.ask("GET", path), path);
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return this.#read(await this.ask("POST", path, body), path);
  }

  /** The migration of that name; registered where it is not there. */
  async migration(name: string): Promise<MigrationDocument> {
    const { migrations } = await this.get<{ migrations: MigrationDocument[] }>(`/api/migrations?search=${encodeURIComponent(name)}`);
    const found = migrations.find((migration) => migration.name === name);
    return found ?? (await this.post<MigrationDocument>("/api/migrations", { name, plan: stack.plan }));
  }

  /** A run of that migration in that state; started with these options where the last one is in another. */
  async run(name: string, state: "completed" | "paused", options: Readonly<Record<string, unknown>>): Promise<string> {
    const { id, lastRun } = await this.migration(name);
    if (lastRun?.state === state) return lastRun.id;
    const run = await this.post<RunDocument>("/api/migrations/start", { migrationId: id, options });
    if (state === "paused") {
      await this.#until(id, (status) => status.phase === "running" && status.progress.percentage > 35);
      await this.post(`/api/migrations/${id}/pause`);
    }
    await this.#until(id, (status) => status.phase === state);
    return run.id;
  }

  async #until(migration: string, holds: (status: { phase: string; progress: { percentage: number } }) => boolean): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const status = await this.get<{ phase: string; progress: { percentage: number }; verdict: { headline: string } }>(`/api/migrations/${migration}/status`);
      if (holds(status)) return;
      if (status.phase === "failed" || Date.now() > end) throw new Error(`the run is ${status.phase}: ${status.verdict.headline}`);
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async #read<T>(answer: Response, path: string): Promise<T> {
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
