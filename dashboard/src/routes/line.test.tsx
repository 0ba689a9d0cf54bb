import { act, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { counts, migration, MIGRATION_ID, progressOf, run, RUN_ID, status } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";

const emit = vi.hoisted(() => vi.fn());
const handlers = new Map<string, (value?: unknown) => void>();
vi.mock("socket.io-client", () => ({
  io: () => ({
    on: (name: string, act: (value?: unknown) => void) => handlers.set(name, act),
    emit,
    connect: vi.fn(),
    disconnect: vi.fn(),
    connected: true,
    active: true,
  }),
}));

function hears(event: string, value?: unknown): void {
  act(() => handlers.get(event)?.(value));
}

const ANSWERS = {
  "GET /api/config": { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null },
  "GET /api/migrations": { migrations: [migration({ lastRun: run() })], total: 1, status: "running", nextCursor: null },
};

describe("what the line tells elsewhere", () => {
  beforeEach(async () => {
    handlers.clear();
    gateway(ANSWERS);
    open("/migrations");
    await screen.findAllByText("Patient portal");
    await waitFor(() => expect(handlers.has("connect")).toBe(true));
    hears("connect");
    hears("migration:progress", progressOf(status({ seq: 3 })));
    await screen.findAllByText(/^50.* %$/);
  });

  test("a run that balanced is told by its name, with its rows", async () => {
    const summary = { runId: RUN_ID, status: "completed", rows: counts({ loaded: 2040 }), warnings: 0, durationSeconds: 7920, reportUrl: "" };
    hears("migration:completed", { migrationId: MIGRATION_ID, runId: RUN_ID, seq: 9, timestamp: "2026-11-22T02:24:00Z", summary });
    expect(await screen.findByText("Patient portal balanced. 2,040 rows in 2 h 12 min.")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "Open" })).toHaveAttribute("href", `/runs/${RUN_ID}`);
  });

  test("a run that failed is told, with why", async () => {
    const failure = { error: "The target ran out of disk.", code: "disk", remedy: "Add space.", timestamp: "2026-11-22T02:24:00Z" };
    hears("migration:error", { migrationId: MIGRATION_ID, runId: RUN_ID, seq: 9, ...failure });
    expect(await screen.findByText("Patient portal failed. The target ran out of disk.")).toBeInTheDocument();
  });

  test("figures of a list turn grey while the line is down", () => {
    const list = screen.getByRole("region", { name: "Migrations" });
    expect(list).not.toHaveClass("stale");
    hears("disconnect", "transport close");
    expect(list).toHaveClass("stale");
    hears("connect");
    expect(list).not.toHaveClass("stale");
  });
});

test("a failed run is followed: somebody may resume it elsewhere", async () => {
  handlers.clear();
  emit.mockClear();
  const failed = status({ phase: "failed", status: "failed", seq: 9 });
  gateway({
    ...ANSWERS,
    [`GET /api/migrations/${MIGRATION_ID}`]: migration({ lastRun: run({ state: "failed" }) }),
    [`GET /api/runs/${RUN_ID}/status`]: failed,
    [`GET /api/runs/${RUN_ID}/events`]: { events: [], nextAfter: null },
    [`GET /api/runs/${RUN_ID}/throughput`]: { startedAt: null, until: failed.readAt, bucketSeconds: 60, buckets: [] },
  });
  open(`/runs/${RUN_ID}`);
  await waitFor(() => expect(emit).toHaveBeenCalledWith("migration:subscribe", MIGRATION_ID, expect.anything()));
  hears("connect");
  expect(screen.queryByRole("button", { name: /Pause/ })).toBeNull();
  hears("migration:progress", progressOf(status({ seq: 10 })));
  expect(await screen.findByRole("button", { name: /Pause/ })).toBeInTheDocument();
});
