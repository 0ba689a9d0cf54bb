import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";
import { migration, MIGRATION_ID, run, RUN_ID, status } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";
import type { Migration } from "../api/types";
import { usePreferences } from "../shell/preferences";

vi.mock("socket.io-client", () => ({
  io: () => ({ on: vi.fn(), emit: vi.fn(), connect: vi.fn(), disconnect: vi.fn(), connected: false, active: true }),
}));

const RUN = `/runs/${RUN_ID}`;
const CONFIGURATION = { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null };
const PLANS = { plans: [], nextCursor: null };
const OF_A_RUN = {
  "GET /api/config": CONFIGURATION,
  "GET /api/plans": PLANS,
  [`GET /api/runs/${RUN_ID}/status`]: status(),
  [`GET /api/runs/${RUN_ID}/events`]: { events: [], nextAfter: null },
  [`GET /api/runs/${RUN_ID}/throughput`]: { startedAt: null, until: "2026-11-22T01:47:00Z", bucketSeconds: 60, buckets: [] },
  [`GET /api/migrations/${MIGRATION_ID}`]: migration({ lastRun: run() }),
  [`POST /api/migrations/${MIGRATION_ID}/pause`]: run({ state: "paused" }),
};

function migrations(...listed: readonly Migration[]) {
  return { migrations: listed, total: listed.length, status: "idle", nextCursor: null };
}

describe("keys", () => {
  test("of a pair are never keys of their own, and one that is held down acts once", async () => {
    const { asked } = gateway(OF_A_RUN);
    const { router } = open(RUN);
    await screen.findByRole("button", { name: /Pause/ });
    // The page listens before the frame does after keys were switched off and on.
    act(() => usePreferences.getState().setKeys(false));
    act(() => usePreferences.getState().setKeys(true));
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "p", repeat: true }));
    await userEvent.keyboard("gp");
    await waitFor(() => expect(router.state.location.pathname).toBe("/plans"));
    expect(asked.some(({ url }) => url.endsWith("/pause"))).toBe(false);
  });

  test("are off while a menu is open", async () => {
    const { asked } = gateway(OF_A_RUN);
    open(RUN);
    await screen.findByRole("button", { name: /Pause/ });
    screen.getByRole("button", { name: /manager/ }).focus();
    await userEvent.keyboard("{Enter}");
    expect(await screen.findByRole("menu")).toBeInTheDocument();
    await userEvent.keyboard("p");
    expect(asked.some(({ url }) => url.endsWith("/pause"))).toBe(false);
  });

  test("that are arrows move in a list once one is in it, and scroll elsewhere", async () => {
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": migrations(migration(), migration({ id: "7c1f0d1e-3b7a-4b86-8b57-64f4f9a4a002", name: "Billing" })) });
    open("/migrations");
    await screen.findAllByText("Billing");
    const scrolls = (): boolean => fireEvent.keyDown(document.activeElement ?? document.body, { key: "ArrowDown" });
    expect(scrolls()).toBe(true);
    await userEvent.keyboard("j");
    const table = screen.getByRole("region", { name: "Table of migrations" });
    expect(within(table).getByRole("link", { name: "Patient portal" })).toHaveFocus();
    expect(scrolls()).toBe(false);
    expect(within(table).getByRole("link", { name: "Billing" })).toHaveFocus();
  });

  test("lead to pages, and are off while typing", async () => {
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": migrations(migration()), "GET /api/plans": PLANS });
    const { router } = open("/migrations");
    await screen.findAllByText("Patient portal");
    await userEvent.type(screen.getByRole("searchbox"), "gp");
    expect(router.state.location.pathname).toBe("/migrations");
    (document.activeElement as HTMLElement).blur();
    await userEvent.keyboard("gp");
    await waitFor(() => expect(router.state.location.pathname).toBe("/plans"));
    await userEvent.keyboard("?");
    expect(await screen.findByRole("dialog", { name: "Keys" })).toBeInTheDocument();
  });
});
