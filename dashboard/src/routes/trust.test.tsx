import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";
import { counts, mapping, migration, MIGRATION_ID, report, run, RUN_ID, status } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";
import { OTHER_ID, validation, verification, verified } from "../../tests/trust";
import type { Run, RunStatus } from "../api/types";
import { sampleOf } from "./sample";

vi.mock("socket.io-client", () => ({
  io: () => ({ on: vi.fn(), emit: vi.fn(), connect: vi.fn(), disconnect: vi.fn(), connected: false, active: true }),
}));

const RUN = `/runs/${RUN_ID}`;
const DONE: Partial<RunStatus> = {
  phase: "completed",
  status: "completed",
  completedAt: "2026-11-22T02:24:00Z",
  progress: { current: 1000, total: 1000, percentage: 100, estimated: false },
  mappings: [mapping("orders", { state: "complete", counts: counts({ loaded: 980, updated: 6, quarantined: 14 }) })],
  verdict: { code: "balanced", ground: "completed", headline: "Every row is accounted for.", detail: "", figures: {} },
};

/** What a gateway answers that knows one run, and those that are started about it. */
function answers(given: Partial<RunStatus> = {}, document: Partial<Run> = {}): Record<string, unknown> {
  const about = run({ state: "completed", ...document });
  return {
    "GET /api/config": { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null },
    [`GET /api/migrations/${MIGRATION_ID}`]: migration({ lastRun: about }),
    [`GET /api/migrations/${MIGRATION_ID}/runs`]: { runs: [], nextCursor: null },
    [`GET /api/runs/${RUN_ID}`]: about,
    [`GET /api/runs/${RUN_ID}/status`]: status({ ...DONE, ...given }),
    [`GET /api/runs/${RUN_ID}/events`]: { events: [], nextAfter: null },
    [`GET /api/runs/${RUN_ID}/throughput`]: { startedAt: null, until: "2026-11-22T01:47:00Z", bucketSeconds: 60, buckets: [] },
    [`GET /api/runs/${RUN_ID}/report`]: report(),
    [`GET /api/runs/${OTHER_ID}`]: run({ id: OTHER_ID, state: "pending", about: RUN_ID }),
    [`GET /api/runs/${OTHER_ID}/status`]: status({ runId: OTHER_ID, phase: "pending" }),
  };
}

describe("the head of a run", () => {
  test.each([
    [{ kind: "undo", mode: "insert" }, "Undo of run 1a2b3c4d"],
    [{ kind: "verify", mode: "compare" }, "Verify of run 1a2b3c4d"],
    [{ kind: "replay", mode: "insert" }, "Replay of run 1a2b3c4d"],
  ] as const)("names what a run is about: %o", async (purpose, words) => {
    gateway(answers(purpose, { ...purpose, about: OTHER_ID }));
    open(RUN);
    expect((await screen.findByRole("link", { name: "1a2b3c4d" })).closest(".tag")).toHaveTextContent(words);
  });

  test("tells a differential run, and one that was undone", async () => {
    gateway(answers({ mode: "merge" }, { mode: "merge", undoneAt: "2026-11-22T05:00:00Z" }));
    open(RUN);
    expect(await screen.findByText("Differential")).toBeInTheDocument();
    expect(await screen.findByText("Undone")).toBeInTheDocument();
    expect(screen.getByText("This run was undone")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /Undo|Verify/ })).toBeNull();
  });

  test("a dry run says that nothing was written, and is not to be decided on", async () => {
    gateway(answers({ kind: "validate", mode: "check" }, { kind: "validate", mode: "check" }));
    open(RUN);
    expect(await screen.findByText("Dry run: nothing was written.")).toBeInTheDocument();
    expect(screen.getByText("Dry run completed")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "See the validation" })).toHaveAttribute("href", `${RUN}/validation`);
    expect(screen.queryByText("14 to decide")).toBeNull();
    expect(screen.queryByRole("button", { name: /Undo|Verify/ })).toBeNull();
  });

  test("of a viewer offers the report alone", async () => {
    gateway(answers());
    open(RUN, "viewer");
    expect(await screen.findByRole("heading", { name: "Every row is accounted for" })).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /…/ })).toBeNull();
    expect(screen.queryByRole("link", { name: "Replay…" })).toBeNull();
  });
});

describe("an undo", () => {
  test("is asked for with what goes and what comes back, and starts a run", async () => {
    const { asked } = gateway({ ...answers(), [`POST /api/runs/${RUN_ID}/undo`]: run({ id: OTHER_ID, kind: "undo", state: "pending", about: RUN_ID }) });
    const { router } = open(RUN);
    await userEvent.click(await screen.findByRole("button", { name: "Undo…" }));
    expect(router.state.location.search).toBe("?ask=undo");
    const dialog = await screen.findByRole("alertdialog");
    expect(dialog).toHaveTextContent("980 rows that it inserted are removed.");
    expect(dialog).toHaveTextContent("6 rows that it updated get their former values back.");
    expect(dialog).toHaveTextContent("Rows of other runs stay exactly as they are.");
    expect(within(dialog).getByRole("radio", { name: /^Stop and change nothing/ })).toBeChecked();
    await userEvent.click(within(dialog).getByRole("radio", { name: /^Leave those rows/ }));
    await userEvent.click(within(dialog).getByRole("button", { name: "Undo 986 rows" }));
    await waitFor(() => expect(router.state.location.pathname).toBe(`/runs/${OTHER_ID}`));
    expect(asked.find(({ url }) => url.endsWith("/undo"))?.body).toEqual({ builtOn: "keep" });
  });

  test("that is refused says why, where it was asked for", async () => {
    gateway({ ...answers(), [`POST /api/runs/${RUN_ID}/undo`]: { refused: 409, code: "already_active", detail: "A run is active.", remedy: "Wait for it." } });
    open(`${RUN}?ask=undo`);
    const dialog = await screen.findByRole("alertdialog");
    await userEvent.click(within(dialog).getByRole("button", { name: "Undo 986 rows" }));
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("A run is active. Wait for it.");
  });
});

describe("one mapping that stopped", () => {
  test("is resumed alone", async () => {
    const stopped = mapping("orders", { state: "failed", counts: counts({ loaded: 5 }) });
    const { asked } = gateway({
      ...answers({ phase: "failed", status: "failed", mappings: [stopped] }, { state: "failed" }),
      [`POST /api/migrations/${MIGRATION_ID}/resume`]: run({ state: "running" }),
    });
    open(RUN);
    const [button] = await screen.findAllByRole("button", { name: "Resume orders alone" });
    if (button) await userEvent.click(button);
    await waitFor(() => expect(asked.find(({ url }) => url.endsWith("/resume"))?.body).toEqual({ mappings: ["orders"] }));
  });
});

describe("a verification", () => {
  const PAGE = `${RUN}/verification`;
  const with_ = (found: unknown): Record<string, unknown> => ({ ...answers(), [`GET /api/runs/${RUN_ID}/verification`]: found });

  test("that found every row equal says so, and by which run", async () => {
    gateway(with_(verification()));
    open(PAGE);
    expect(await screen.findByText("Every row is what the plan makes of its source.")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "run 1a2b3c4d" })).toHaveAttribute("href", `/runs/${OTHER_ID}`);
    expect(screen.getByRole("row", { name: "orders equal 1,000 1,000 0 0 0" })).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /Repair/ })).toBeNull();
  });

  test.each([
    [{ outcome: "not_checked", mappings: [] }, "Nobody verified these rows.", "pending"],
    [{ outcome: "could_not_verify", mappings: [verified("orders", { outcome: "could_not_verify", couldNotVerify: 7 })] }, "The verify could not come to an end.", "attention"],
  ] as const)("that is no pass never looks like one: %o", async (given, headline, tone) => {
    gateway(with_(verification(given)));
    const { container } = open(PAGE);
    expect(await screen.findByText(headline)).toBeInTheDocument();
    expect(container.querySelector(".verdict")).toHaveClass(tone);
    expect(container.querySelector(".verdict.completed")).toBeNull();
  });

  test("of a sample says how much was not checked", async () => {
    const mappings = [verified("orders", { checked: 10, equal: 10, notChecked: 990, extra: null })];
    gateway(with_(verification({ sample: 0.01, extrasChecked: false, mappings })));
    open(PAGE);
    const verdict = (await screen.findByText(/^Every row of the sample/)).closest(".verdict");
    expect(verdict).toHaveTextContent("Every row of the sample is what the plan makes of its source: 1.0 % of the rows.");
    expect(verdict).toHaveTextContent("990 rows were not checked. Rows that no legacy row explains were not looked for.");
  });

  test("lists what differs by mapping, column and key, and repairs it by key", async () => {
    const orders = verified("orders", { outcome: "different", equal: 997, different: 2, missing: 1, columns: [{ column: "total", rowCount: 2 }] });
    const finding = { ref: "bbbbbbbb-0000-4000-8000-000000000001", mapping: "orders", kind: "different", columns: ["total"], targetKey: OTHER_ID, sourceChanged: false };
    const { asked } = gateway({
      ...with_(verification({ outcome: "different", differences: 3, repairable: 3, mappings: [orders] })),
      [`GET /api/runs/${RUN_ID}/findings`]: { findings: [finding], nextCursor: null },
      [`POST /api/runs/${RUN_ID}/repair`]: run({ id: OTHER_ID, kind: "replay", mode: "merge", state: "pending", about: OTHER_ID }),
    });
    const { router } = open(PAGE);
    expect(await screen.findByRole("alert")).toHaveTextContent("3 rows are not what the plan makes of the source.");
    expect(await screen.findByRole("row", { name: `orders different total ${OTHER_ID} as it was` })).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Repair 3 rows…" }));
    await userEvent.click(await screen.findByRole("button", { name: "Repair 3 rows" }));
    await waitFor(() => expect(router.state.location.pathname).toBe(`/runs/${OTHER_ID}`));
    expect(asked.find(({ url }) => url.endsWith("/repair"))?.body).toEqual({ withChanged: false });
  });

  test("is started for all rows or a sample; a share that is none is not sent", async () => {
    const { asked } = gateway({
      ...with_(verification({ runId: RUN_ID, outcome: "not_checked", mappings: [] })),
      [`POST /api/runs/${RUN_ID}/verify`]: run({ id: OTHER_ID, kind: "verify", state: "pending", about: RUN_ID }),
    });
    const { router } = open(PAGE);
    await userEvent.click(await screen.findByRole("button", { name: "Verify…" }));
    await userEvent.click(await screen.findByRole("radio", { name: /^A sample/ }));
    const share = screen.getByLabelText("Share in percent");
    await userEvent.clear(share);
    await userEvent.type(share, "150");
    expect(screen.getByRole("button", { name: "Verify all rows" })).toBeDisabled();
    await userEvent.clear(share);
    await userEvent.type(share, "2.5");
    await userEvent.click(screen.getByRole("button", { name: "Verify 2.5 % of the rows" }));
    await waitFor(() => expect(router.state.location.pathname).toBe(`/runs/${OTHER_ID}`));
    expect(asked.find(({ url }) => url.endsWith("/verify"))?.body).toEqual({ sample: 0.025 });
  });

  test("a share in percent is a share, or none", () => {
    expect(["1", "0,5", "99.9", "0", "100", "a", "-1", ""].map(sampleOf)).toEqual([0.01, 0.005, 0.999, null, null, null, null, null]);
  });
});

describe("the validation of a dry run", () => {
  const dry = answers({ kind: "validate", mode: "check" }, { kind: "validate", mode: "check" });

  test("starts with its outcome, then the families, the checks with rows that fail, and what was not checked", async () => {
    gateway({ ...dry, [`GET /api/runs/${RUN_ID}/validation`]: validation() });
    const { router } = open(`${RUN}/validation`);
    expect(await screen.findByRole("alert")).toHaveTextContent("Failed: 1 check is beyond the threshold. 1,040 rows were tried, nothing was written.");
    expect(screen.getByRole("region", { name: "Families of checks" })).toHaveTextContent("Conformance1 of 2 checks failed");
    expect(screen.getByRole("row", { name: "Unknown code , failed orders .status conformance 1,000 14 1.4 % 0.1 %" })).toBeInTheDocument();
    expect(screen.queryByText("Too long")).toBeNull();
    expect(screen.getByRole("region", { name: "Not checked" })).toHaveTextContent("public.orders.orders_auditTrigger");
    expect(screen.getByText("sessions are not moved")).toBeInTheDocument();
    screen.getByRole("combobox", { name: "Show: with failing rows" }).focus();
    await userEvent.keyboard("{Enter}{ArrowDown}{ArrowDown}{Enter}");
    expect(router.state.location.search).toBe("?show=all");
    expect(screen.getByText("Too long")).toBeInTheDocument();
  });

  test("of a run that is none says so", async () => {
    gateway({ ...answers(), [`GET /api/runs/${RUN_ID}/validation`]: { refused: 409, code: "no_validation", detail: "This run is no dry run.", remedy: "Start one." } });
    open(`${RUN}/validation`);
    expect(await screen.findByText("This run is no dry run.")).toBeInTheDocument();
  });
});

describe("the report", () => {
  test("tells sums, filters, codes, what became of refused rows, the verify and who did what", async () => {
    const sum = { mapping: "orders", column: "total", reason: "", source: "148220914.35", loaded: "148220000.00", refused: "914.35", filtered: "0", aside: "0", target: "148220000.00", withheld: false };
    const gathered = report({
      sums: [
        { ...sum, state: "agrees" },
        { ...sum, column: "tip", state: "not_comparable", reason: "changed_on_the_way", source: null, loaded: null, refused: null, filtered: null, target: null, withheld: true },
      ],
      filters: [{ mapping: "tasks", keep: "not is_template", parents: [], rows: 1204 }],
      codebooks: [
        { mapping: "orders", column: "status", book: "order_status", codes: [{ code: "2", meaning: "shipped", rows: 900 }], rare: 1, unknown: 2, unknownRows: 14, otherwise: null, many: false, untold: false },
      ],
      resolved: [{ mapping: "orders", pass: 1, waiting: 4, replayed: 9, filtered: 0, discarded: 1, replaced: 0, loadedNow: 909 }],
      verify: { runId: OTHER_ID, outcome: "could_not_verify", sample: null, checked: 10, equal: 10, different: 0, missing: 0, unexpected: 0, extra: null, changedSince: 0, couldNotVerify: 7, comparedWith: null },
      audit: [{ at: "2026-11-22T04:00:00Z", actor: "ops.lead", action: "run.undo", outcome: "refused" }],
    });
    gateway({ ...answers(), [`GET /api/runs/${RUN_ID}/report`]: gathered });
    open(`${RUN}/report`);
    expect(await screen.findByRole("row", { name: "orders.total 148,220,914.35 148,220,000.00 914.35 0 148,220,000.00 agrees" })).toBeInTheDocument();
    expect(screen.getByRole("row", { name: /^orders.tip too few rows to show .* not comparable: changed on the way$/ })).toBeInTheDocument();
    expect(screen.getByRole("row", { name: "tasks kept only where not is_template 1,204" })).toBeInTheDocument();
    expect(screen.getByRole("row", { name: "orders.status order_status 2 shipped 900" })).toBeInTheDocument();
    expect(screen.getByText("1 more code of fewer than five rows; 2 codes that the book does not know: they wait in quarantine")).toBeInTheDocument();
    expect(screen.getByRole("row", { name: "orders 4 9 0 1 0 909" })).toBeInTheDocument();
    expect(screen.getByText("Could not verify.").closest("section")).toHaveTextContent("7 could not be verified, which is no pass.");
    expect(screen.getByRole("row", { name: /ops.lead run.undo, refused$/ })).toBeInTheDocument();
  });

  test("without a verify says that nobody checked", async () => {
    gateway({ ...answers(), [`GET /api/runs/${RUN_ID}/report`]: report() });
    open(`${RUN}/report`);
    expect(await screen.findByText("Not checked.")).toBeInTheDocument();
  });
});

describe("a run that is over", () => {
  test("tells its sums, and how many of its refused rows are left to decide", async () => {
    const resolved = [{ mapping: "orders", pass: 1, waiting: 4, replayed: 9, filtered: 0, discarded: 1, replaced: 0, loadedNow: 989 }];
    const sums = [{ mapping: "orders", column: "total", state: "agrees" as const, reason: "", source: "5.10", loaded: "5.10", refused: "0", filtered: "0", aside: "0", target: "5.10", withheld: false }];
    gateway(answers({ resolved, sums }));
    open(RUN);
    expect(await screen.findByText("4 to decide")).toBeInTheDocument();
    expect(screen.getByText("Since the run: 9 replayed, 1 left out.")).toBeInTheDocument();
    expect(screen.getByRole("region", { name: "Money" })).toHaveTextContent("1 of 1 column to the cent");
  });
});
