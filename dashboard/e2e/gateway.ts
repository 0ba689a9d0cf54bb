import { vi } from "vitest";
import { PATIENCE_MS } from "./patience";
import { stack, type Role } from "./stack";

interface RunDocument {
  id: string;
  state: string;
}

interface StatusDocument {
  phase: string;
  progress: { percentage: number };
  verdict: { headline: string };
}

interface MigrationDocument {
  id: string;
  name: string;
  lastRun: RunDocument | null;
}

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

  /** A dry run of that migration, at its end. */
  async dryRun(name: string): Promise<string> {
    const { id } = await this.migration(name);
    const run = await this.post<RunDocument>("/api/migrations/start", { migrationId: id, options: { validateOnly: true } });
    await this.#ended(run.id);
    return run.id;
  }

  /** A verify of a run of that migration, at its end. */
  async verified(name: string): Promise<string> {
    const loaded = await this.run(name, "completed", {});
    const run = await this.post<RunDocument>(`/api/runs/${loaded}/verify`, {});
    await this.#ended(run.id);
    return run.id;
  }

  #ended(run: string): Promise<void> {
    return this.#waited(`/api/runs/${run}/status`, (status) => status.phase === "completed");
  }

  #until(migration: string, holds: (status: StatusDocument) => boolean): Promise<void> {
    return this.#waited(`/api/migrations/${migration}/status`, holds);
  }

  async #waited(path: string, holds: (status: StatusDocument) => boolean): Promise<void> {
    const ask = async (): Promise<boolean> => {
      const status = await this.get<StatusDocument>(path);
      if (!holds(status) && status.phase === "failed") throw new Error(`the run failed: ${status.verdict.headline}`);
      return holds(status);
    };
    await vi.waitUntil(ask, { timeout: PATIENCE_MS, interval: EVERY_MS });
  }

  async #read<T>(answer: Response, path: string): Promise<T> {
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as T;
  }
}
