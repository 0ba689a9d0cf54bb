import { beforeEach, describe, expect, test, vi } from "vitest";
import { migration, MIGRATION_ID, progressOf, run, RUN_ID, status } from "../../tests/fixtures";
import type { ApiClient } from "../api/ApiClient";
import type { ProgressEvent } from "./events";
import { createMigrationStore } from "./MigrationStore";
import { SocketService, type LiveSocket } from "./SocketService";

function event(seq: number, current = seq): ProgressEvent {
  return progressOf(status({ seq, progress: { current, total: 100, percentage: seq, estimated: false } }));
}

function setUp() {
  const frames: (() => void)[] = [];
  const handlers = new Map<string, (value?: unknown) => void>();
  const line = { connected: true, on: (name: string, act: () => void) => handlers.set(name, act), emit: vi.fn(), disconnect: vi.fn() };
  const client = {
    getMigrations: vi.fn(() => Promise.resolve({ migrations: [migration()], total: 1, status: "idle", nextCursor: null })),
    startMigration: vi.fn(() => Promise.resolve(run())),
    cancelMigration: vi.fn(() => Promise.resolve(run({ state: "cancelling" }))),
  };
  const socket = new SocketService(() => line as unknown as LiveSocket);
  const store = createMigrationStore(client as unknown as ApiClient, socket, (draw) => frames.push(draw));
  const draw = (): void => frames.splice(0).forEach((frame) => frame());
  return { store, client, handlers, frames, draw, line };
}

describe("the store of migrations", () => {
  let parts: ReturnType<typeof setUp>;
  beforeEach(() => {
    parts = setUp();
  });

  test("snapshots are drawn at most once a frame, and the last one wins", () => {
    const { store, frames, draw } = parts;
    const drawn = vi.fn();
    store.subscribe(drawn);
    for (const seq of [1, 2, 3]) store.getState().updateProgress(event(seq));
    expect(frames).toHaveLength(1);
    draw();
    expect(drawn).toHaveBeenCalledOnce();
    expect(store.getState().progress[RUN_ID]?.seq).toBe(3);
  });

  test("a snapshot that comes late changes nothing", () => {
    const { store, draw } = parts;
    store.getState().updateProgress(event(5));
    draw();
    store.getState().updateProgress(event(4));
    draw();
    expect(store.getState().progress[RUN_ID]?.seq).toBe(5);
  });

  test("a migration that never ran has no snapshot to keep", () => {
    const { store, frames } = parts;
    store.getState().updateProgress({ ...event(0), runId: null });
    expect(frames).toHaveLength(0);
  });

  test("starting and cancelling show in the list at once", async () => {
    const { store, client } = parts;
    await store.getState().fetchMigrations();
    await store.getState().startMigration(MIGRATION_ID, { validateOnly: true }, "key");
    expect(client.startMigration).toHaveBeenCalledWith(MIGRATION_ID, { validateOnly: true }, "key");
    expect(store.getState().activeMigration).toBe(MIGRATION_ID);
    await store.getState().cancelMigration(MIGRATION_ID);
    expect(store.getState().migrations[0]?.lastRun?.state).toBe("cancelling");
  });

  test("it knows since when nothing is heard, and keeps that moment through further tries", () => {
    const { store, handlers } = parts;
    store.getState().connectSocket({ url: "", token: () => null, renew: () => Promise.resolve(false) });
    expect(store.getState().disconnectedAt).toBeNull();
    handlers.get("connect_error")?.(new Error("refused"));
    const since = store.getState().disconnectedAt;
    expect(since).toBeInstanceOf(Date);
    handlers.get("connect_error")?.(new Error("refused"));
    expect(store.getState().disconnectedAt).toBe(since);
    handlers.get("connect")?.();
    expect(store.getState().isConnected).toBe(true);
    handlers.get("disconnect")?.("transport close");
    expect(store.getState().disconnectedAt).toBeInstanceOf(Date);
    handlers.get("connect")?.();
    expect(store.getState().disconnectedAt).toBeNull();
  });

  test("signing out forgets everything", () => {
    const { store, draw, line } = parts;
    store.getState().connectSocket({ url: "", token: () => null, renew: () => Promise.resolve(false) });
    store.getState().updateProgress(event(5));
    draw();
    store.getState().disconnectSocket();
    expect(store.getState()).toMatchObject({ progress: {}, migrations: [], activeMigration: null, isConnected: false });
    expect(line.disconnect).toHaveBeenCalled();
  });
});
