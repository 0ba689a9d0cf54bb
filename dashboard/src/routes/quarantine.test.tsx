import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";
import { RUN_ID, status } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";
import type { QuarantineList } from "../api/types";

vi.mock("socket.io-client", () => ({
  io: () => ({ on: vi.fn(), emit: vi.fn(), connect: vi.fn(), disconnect: vi.fn(), connected: false, active: true }),
}));

const RUN = `/runs/${RUN_ID}`;
const OF_A_RUN = {
  "GET /api/config": { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null },
  [`GET /api/runs/${RUN_ID}/status`]: status(),
};

describe("the quarantine", () => {
  const GROUP = { mapping: "orders", column: "status", reason: "unknown_code", stage: "transform", waitsFor: "", count: 14, waiting: 14, title: "Unknown code", remedy: "" } as const;
  const ROW = {
    ref: "aaaaaaaa-0000-4000-8000-000000000001",
    mapping: "orders",
    stage: "transform",
    reasons: [{ reason: "unknown_code", column: "status", sqlstate: "", title: "Unknown code" }],
    columns: [
      { name: "birth_date", kind: "date", clear: false, value: null },
      { name: "status", kind: "integer", clear: true, value: "7" },
    ],
    waitsFor: "",
    state: "waiting",
    resolvedAt: null,
    createdAt: "2026-11-22T00:52:40Z",
  } as const;
  const LIST: QuarantineList = { count: 14, waiting: 14, groups: [GROUP], rows: [ROW], nextCursor: null };
  const ANSWERS = { ...OF_A_RUN, [`GET /api/runs/${RUN_ID}/quarantine`]: LIST };

  test("starts with reasons; a row stands beside them under its ref, masked", async () => {
    gateway(ANSWERS);
    const { router } = open(`${RUN}/quarantine`);
    await userEvent.click(await screen.findByRole("button", { name: "Unknown code" }));
    expect(router.state.location.search).toBe("?reason=unknown_code&of=orders&column=status");
    const drawer = await screen.findByRole("dialog");
    expect(drawer).toHaveTextContent("masked, date");
    expect(within(drawer).queryByRole("button", { name: "Unmask…" })).toBeNull();
  });

  test("of one mapping shows its reasons alone, also while one of them is looked at", async () => {
    const two = status({
      quarantine: ["orders", "people"].map((mapping) => ({ mapping, stage: "transform" as const, code: "unknown_code", column: "status", rows: 7 })),
    });
    const { asked } = gateway({ ...ANSWERS, [`GET /api/runs/${RUN_ID}/status`]: two });
    const { router } = open(`${RUN}/quarantine`);
    await screen.findByRole("navigation", { name: "Run" });
    screen.getByRole("combobox", { name: "Mapping: all" }).focus();
    await userEvent.keyboard("{Enter}{ArrowDown}{Enter}");
    await waitFor(() => expect(asked.some(({ url }) => url.endsWith("/quarantine?mapping=orders&limit=1"))).toBe(true));
    expect(router.state.location.search).toBe("?mapping=orders");
    await userEvent.click(screen.getByRole("button", { name: "Unknown code" }));
    expect(router.state.location.search).toBe("?mapping=orders&reason=unknown_code&column=status");
    await waitFor(() => expect(asked.map(({ url }) => url).join(" ")).toMatch(/quarantine\?reason=unknown_code&mapping=orders&column=status/));
    await userEvent.click(await screen.findByRole("button", { name: "Close" }));
    expect(router.state.location.search).toBe("?mapping=orders");
  });

  test("shows values to an admin with a reason, and masks them again", async () => {
    const { asked } = gateway({
      ...ANSWERS,
      [`POST /api/runs/${RUN_ID}/quarantine/${ROW.ref}/unmask`]: {
        ref: ROW.ref,
        mapping: "orders",
        legacyKey: "canary-key",
        columns: { birth_date: "canary-date", status: "7" },
        expiresAt: "2026-11-22T01:00:00Z",
      },
    });
    const { router } = open(`${RUN}/quarantine?reason=unknown_code&mapping=orders&column=status`, "admin");
    await userEvent.click(await screen.findByRole("button", { name: "Unmask…" }));
    await userEvent.type(screen.getByLabelText("Reason"), "confirm code 7 with the lab{Enter}");
    expect(await screen.findByText("canary-date")).toBeInTheDocument();
    expect(asked.at(-1)?.body).toEqual({ reason: "confirm code 7 with the lab" });
    expect(router.state.location.search + document.title + JSON.stringify(Object.entries(localStorage))).not.toContain("canary");
    await userEvent.click(screen.getByRole("button", { name: /Mask again/ }));
    expect(document.body).not.toHaveTextContent("canary");
  });

  test("prints no value, whoever looks at one", async () => {
    gateway({
      ...ANSWERS,
      [`POST /api/runs/${RUN_ID}/quarantine/${ROW.ref}/unmask`]: {
        ref: ROW.ref,
        mapping: "orders",
        legacyKey: "canary-key",
        columns: { birth_date: "canary-date", status: "7" },
        expiresAt: "2026-11-22T01:00:00Z",
      },
    });
    open(`${RUN}/quarantine?reason=unknown_code&mapping=orders&column=status`, "admin");
    await userEvent.click(await screen.findByRole("button", { name: "Unmask…" }));
    await userEvent.type(screen.getByLabelText("Reason"), "confirm code 7 with the lab{Enter}");
    expect(await screen.findByText("canary-date")).toBeInTheDocument();
    window.dispatchEvent(new Event("beforeprint"));
    expect(document.body).not.toHaveTextContent("canary");
  });

  test("that is empty is good news", async () => {
    gateway({ ...OF_A_RUN, [`GET /api/runs/${RUN_ID}/quarantine`]: { count: 0, waiting: 0, groups: [], rows: null, nextCursor: null } });
    open(`${RUN}/quarantine`);
    expect(await screen.findByText("Quarantine is empty")).toBeInTheDocument();
  });
});
