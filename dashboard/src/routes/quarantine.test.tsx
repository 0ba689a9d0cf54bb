import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";
import { MIGRATION_ID, run, RUN_ID, status } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";
import { OTHER_ID, refusedRow } from "../../tests/trust";
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

describe("the decision on refused rows", () => {
  const GROUP = { mapping: "orders", column: "status", reason: "unknown_code", stage: "transform", waitsFor: "", count: 16, waiting: 14, title: "Unknown code", remedy: "" } as const;
  const OTHER = refusedRow({ ref: "aaaaaaaa-0000-4000-8000-000000000002", state: "replayed", resolvedAt: "2026-11-22T04:00:00Z" });
  const LIST: QuarantineList = { count: 16, waiting: 14, groups: [GROUP], rows: [refusedRow(), OTHER], nextCursor: null };
  const done = status({ phase: "completed", status: "completed" });
  const NEXT = run({ id: OTHER_ID, kind: "replay", state: "pending", about: RUN_ID });
  const ANSWERS = {
    ...OF_A_RUN,
    [`GET /api/runs/${RUN_ID}/status`]: done,
    [`GET /api/runs/${RUN_ID}/quarantine`]: LIST,
    [`GET /api/migrations/${MIGRATION_ID}/runs`]: { runs: [run({ id: OTHER_ID, kind: "replay", about: RUN_ID }), run({ kind: "replay", about: OTHER_ID })], nextCursor: null },
    [`POST /api/runs/${RUN_ID}/replay`]: NEXT,
    [`GET /api/runs/${OTHER_ID}/status`]: status({ runId: OTHER_ID }),
  };
  const KIND = `${RUN}/quarantine?reason=unknown_code&mapping=orders&column=status`;

  test("all of them are replayed after a question", async () => {
    const { asked } = gateway(ANSWERS);
    const { router } = open(`${RUN}/quarantine`);
    await userEvent.click(await screen.findByRole("button", { name: "Replay all…" }));
    const dialog = await screen.findByRole("alertdialog");
    expect(dialog).toHaveTextContent("What is refused again waits in the new run, with its reason.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Replay 14 rows" }));
    await waitFor(() => expect(router.state.location.pathname).toBe(`/runs/${OTHER_ID}`));
    expect(asked.find(({ url }) => url.endsWith("/replay"))?.body).toEqual({ all: true });
  });

  test("all of a kind, or one row alone", async () => {
    const { asked } = gateway({ ...ANSWERS, [`POST /api/runs/${RUN_ID}/replay`]: { refused: 409, code: "replay_active", detail: "A replay is active.", remedy: "Wait for it." } });
    open(KIND);
    await userEvent.click(await screen.findByRole("button", { name: "Replay 14 rows" }));
    expect(await screen.findByText("A replay is active. Wait for it.")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("radio", { name: /^This row alone/ }));
    await userEvent.click(screen.getByRole("button", { name: "Replay 1 row" }));
    await waitFor(() => expect(asked.filter(({ url }) => url.endsWith("/replay"))).toHaveLength(2));
    expect(asked.filter(({ url }) => url.endsWith("/replay")).map(({ body }) => body)).toEqual([
      { reason: "unknown_code", mapping: "orders", column: "status" },
      { rows: [refusedRow().ref] },
    ]);
  });

  test("one with another value, which is kept nowhere else and shown to nobody", async () => {
    const ref = refusedRow().ref;
    const { asked } = gateway({ ...ANSWERS, [`POST /api/runs/${RUN_ID}/quarantine/${ref}/edit`]: { ref, mapping: "orders", column: "o.status", keptOld: true } });
    const { router } = open(KIND, "admin");
    await userEvent.click(await screen.findByRole("radio", { name: /with an edited value/ }));
    await userEvent.click(screen.getByRole("button", { name: "Edit a value…" }));
    const dialog = await screen.findByRole("dialog", { name: /another value/ });
    expect(within(dialog).getByLabelText("Column")).toHaveValue("o.status");
    expect(within(dialog).getByLabelText("New value")).toHaveValue("");
    await userEvent.type(within(dialog).getByLabelText("New value"), "canary-value");
    expect(within(dialog).getByRole("button", { name: "Keep and replay 1 row" })).toBeDisabled();
    await userEvent.type(within(dialog).getByLabelText("Reason"), "the lab confirmed it{Enter}");
    await waitFor(() => expect(router.state.location.pathname).toBe(`/runs/${OTHER_ID}`));
    expect(asked.find(({ url }) => url.endsWith("/edit"))?.body).toEqual({ column: "o.status", value: "canary-value", reason: "the lab confirmed it" });
    expect(asked.find(({ url }) => url.endsWith("/replay"))?.body).toEqual({ rows: [ref] });
    expect(router.state.location.search + document.title + document.body.innerHTML + JSON.stringify(Object.entries(localStorage))).not.toContain("canary");
  });

  test("some are left out with a reason for the audit", async () => {
    const { asked } = gateway({ ...ANSWERS, [`POST /api/runs/${RUN_ID}/quarantine/discard`]: { count: 14, mappings: { orders: 14 } } });
    open(KIND);
    await userEvent.click(await screen.findByRole("radio", { name: /^Leave it out/ }));
    expect(screen.queryByRole("radio", { name: /with an edited value/ })).toBeNull();
    await userEvent.click(screen.getByRole("button", { name: "Leave out…" }));
    const dialog = await screen.findByRole("alertdialog");
    await userEvent.click(within(dialog).getByRole("radio", { name: "All 14 rows of this kind" }));
    expect(within(dialog).getByRole("button", { name: "Leave out 14 rows" })).toBeDisabled();
    await userEvent.type(within(dialog).getByLabelText("Reason"), "test accounts of the old portal");
    await userEvent.click(within(dialog).getByRole("button", { name: "Leave out 14 rows" }));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    expect(asked.find(({ url }) => url.endsWith("/discard"))?.body).toEqual({
      choice: { reason: "unknown_code", mapping: "orders", column: "status" },
      reason: "test accounts of the old portal",
    });
  });

  test("is told of each row that is decided, with the runs that replayed some", async () => {
    gateway(ANSWERS);
    open(`${KIND}&row=${OTHER.ref}`);
    const drawer = await screen.findByRole("dialog");
    expect(drawer).toHaveTextContent("A later run took it over: it is in the target.");
    expect(within(drawer).queryByRole("button", { name: /^Replay/ })).toBeNull();
    await userEvent.click(within(drawer).getByRole("button", { name: "Close" }));
    expect(await screen.findByRole("link", { name: "run 1a2b3c4d" })).toHaveAttribute("href", `/runs/${OTHER_ID}`);
    expect(screen.getByText("2 decided since")).toBeInTheDocument();
  });

  test("is not a viewer's", async () => {
    gateway(ANSWERS);
    open(KIND, "viewer");
    expect(await screen.findByText("It waits for somebody to decide.")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /Replay|Leave|Edit/ })).toBeNull();
  });
});
