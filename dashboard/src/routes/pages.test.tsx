import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { counts, mapping, migration, MIGRATION_ID, report, run, RUN_ID, status, progressOf } from "../../tests/fixtures";
import { gateway, open } from "../../tests/page";
import { useMigrations } from "../live/MigrationStore";
import { safeNext } from "./RequireSession";

vi.mock("uplot", () => {
  class Chart {
    static paths = {};
    width = 0;
    setSize = vi.fn();
    destroy = vi.fn();
  }
  return { default: Chart };
});
vi.mock("socket.io-client", () => ({
  io: () => ({ on: vi.fn(), emit: vi.fn(), connect: vi.fn(), disconnect: vi.fn(), connected: false, active: true }),
}));

const CONFIGURATION = { supabaseUrl: null, supabaseAnonKey: null, socketUrl: null };
const RUN = `/runs/${RUN_ID}`;
const OF_A_RUN = {
  "GET /api/config": CONFIGURATION,
  [`GET /api/migrations/${MIGRATION_ID}`]: migration({ lastRun: run() }),
  [`GET /api/runs/${RUN_ID}`]: run(),
  [`GET /api/runs/${RUN_ID}/status`]: status(),
  [`GET /api/runs/${RUN_ID}/events`]: { events: [], nextAfter: null },
  [`GET /api/runs/${RUN_ID}/throughput`]: { startedAt: null, until: "2026-11-22T01:47:00Z", bucketSeconds: 60, buckets: [] },
};

function migrations(...listed: ReturnType<typeof migration>[]) {
  return { migrations: listed, total: listed.length, status: "idle", nextCursor: null };
}

beforeEach(() => {
  document.title = "";
});

describe("signing in", () => {
  test("a page leads to the form, and the form back to the page", async () => {
    gateway({ "GET /api/config": CONFIGURATION });
    const { router } = open(`${RUN}?sort=-read`, null);
    await waitFor(() => expect(router.state.location.pathname).toBe("/sign-in"));
    expect(new URLSearchParams(router.state.location.search).get("next")).toBe(`${RUN}?sort=-read`);
    expect(await screen.findByRole("heading", { level: 1 })).toHaveTextContent("Sign in to Transfuse");
  });

  test("what failed is told, and nothing typed goes into the address", async () => {
    gateway({
      "GET /api/config": CONFIGURATION,
      "POST /api/auth/login": { refused: 401, code: "sign_in_refused", detail: "Address and password do not match." },
    });
    const { router } = open("/sign-in", null);
    await userEvent.type(screen.getByLabelText("Work e-mail"), "night@clinic.example");
    await userEvent.type(screen.getByLabelText("Password"), "a long password{Enter}");
    expect(await screen.findByRole("alert")).toHaveTextContent("Address and password do not match.");
    expect(screen.getByLabelText("Password")).toHaveAttribute("aria-invalid", "true");
    expect(router.state.location.search).toBe("");
  });

  test("it never leads to another site", () => {
    expect(["/runs/1?a=b", "//evil.example", "https://evil.example", "/\\evil.example", ""].map(safeNext)).toEqual([
      "/runs/1?a=b",
      "/migrations",
      "/migrations",
      "/migrations",
      "/migrations",
    ]);
  });
});

describe("migrations", () => {
  test("what needs somebody stands before the list", async () => {
    const failed = run({ state: "failed", message: "The target ran out of disk.", remedy: "Add space, then resume." });
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": migrations(migration({ name: "Billing", status: "failed", lastRun: failed })) });
    open("/migrations");
    expect(await screen.findByRole("alert")).toHaveTextContent("Billing stopped. The target ran out of disk. Add space, then resume.");
    expect(document.title).toBe("Migrations · Transfuse");
  });

  test("tells what came of the last run's rows, and how often it warned", async () => {
    const lastRun = run({ state: "completed", counts: counts({ loaded: 1040, quarantined: 14 }), warningCount: 3 });
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": migrations(migration({ status: "completed", lastRun })) });
    open("/migrations");
    const row = (await screen.findByRole("row", { name: /Patient portal/ })).textContent;
    expect(row).toContain("balanced1,040 loaded14 quarantined3 warnings");
    expect(row).not.toContain("merged");
  });

  test("filters are in the address and in the question", async () => {
    const { asked } = gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": migrations() });
    const { router } = open("/migrations?status=failed");
    expect(await screen.findByText("No migration matches")).toBeInTheDocument();
    expect(asked.some(({ url }) => url.includes("status=failed"))).toBe(true);
    await userEvent.type(screen.getByRole("searchbox"), "bill");
    await waitFor(() => expect(router.state.location.search).toBe("?status=failed&search=bill"));
    await userEvent.click(await screen.findByRole("button", { name: "Clear filters" }));
    await waitFor(() => expect(router.state.location.search).toBe(""));
  });

  test("a viewer sees no action that they may not take", async () => {
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": migrations(migration()) });
    open("/migrations", "viewer");
    expect((await screen.findAllByText("Patient portal")).length).toBeGreaterThan(0);
    expect(screen.queryByText("New run")).toBeNull();
    expect(screen.queryByText("Register migration")).toBeNull();
    expect(screen.queryByRole("link", { name: "Audit" })).toBeNull();
  });

  test("a list that could not be read says what is safe, and can be tried again", async () => {
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/migrations": { refused: 500, code: "internal", detail: "Something broke." } });
    open("/migrations");
    expect(await screen.findByRole("alert")).toHaveTextContent("Runs are not affected: they live in the ledger.");
    expect(screen.getByRole("button", { name: "Try now" })).toBeInTheDocument();
  });
});

describe("a run", () => {
  test("starts with the verdict, and the tab shows how far it is", async () => {
    gateway(OF_A_RUN);
    open(RUN);
    expect(await screen.findByText("Nothing needs you.")).toBeInTheDocument();
    expect(document.title).toBe("50 % · Patient portal · Transfuse");
    expect(screen.getByRole("progressbar", { name: "Rows settled" })).toBeInTheDocument();
    expect(screen.getByText("Load sets the pace")).toBeInTheDocument();
  });

  test("moves by what the socket tells, without asking the gateway", async () => {
    const { asked } = gateway(OF_A_RUN);
    open(RUN);
    await screen.findByText("50.9");
    const before = asked.length;
    useMigrations.getState().updateProgress(progressOf(status({ seq: 11, progress: { current: 1249, total: 2040, percentage: 61.2, estimated: false } })));
    expect(await screen.findByText("61.2")).toBeInTheDocument();
    expect(asked.slice(before).some(({ url }) => url.endsWith("/status"))).toBe(false);
  });

  test.each(["running", "completed"] as const)("that is %s says what it warns about", async (phase) => {
    const warning = { mapping: "people", code: "kept_aside", column: "phone", rows: 1204 };
    const others = [1, 2, 3, 4, 5, 6].map((rows) => ({ mapping: "orders", code: "bad_phone", column: `phone_${rows}`, rows }));
    const notice = { code: "rules_left_out", table: "", message: "The plan’s rules were not held against the rows." };
    gateway({
      ...OF_A_RUN,
      [`GET /api/runs/${RUN_ID}/status`]: status({ phase, warnings: [...others, warning], notices: [notice] }),
      [`GET /api/runs/${RUN_ID}/report`]: report(),
    });
    open(RUN);
    const card = await screen.findByRole("region", { name: "Warnings" });
    expect(card).toHaveTextContent("8 warningsRules left outThe plan’s rules were not held against the rows.Kept asidepeople.phone1,204");
    expect(within(card).queryByText("orders.phone_1")).toBeNull();
    expect(within(card).getByRole("link", { name: "1 more in the report" })).toHaveAttribute("href", `${RUN}/report`);
  });

  test("is cancelled after a question, and P pauses it", async () => {
    const { asked } = gateway({
      ...OF_A_RUN,
      [`POST /api/migrations/${MIGRATION_ID}/pause`]: run({ state: "paused" }),
      [`POST /api/runs/${RUN_ID}/cancel`]: run({ state: "cancelling" }),
    });
    const { router } = open(RUN);
    await userEvent.click(await screen.findByRole("button", { name: "Cancel…" }));
    expect(router.state.location.search).toBe("?ask=cancel");
    const dialog = await screen.findByRole("alertdialog");
    expect(dialog).toHaveTextContent("1,040 settled rows stay in the target.");
    await userEvent.click(within(dialog).getByRole("button", { name: "Cancel run" }));
    await waitFor(() => expect(asked.some(({ url }) => url.endsWith("/cancel"))).toBe(true));
    await waitFor(() => expect(router.state.location.search).toBe(""));
    await waitFor(() => expect(screen.queryByRole("alertdialog")).toBeNull());
    await userEvent.keyboard("p");
    await waitFor(() => expect(asked.some(({ url }) => url.endsWith("/pause"))).toBe(true));
  });

  test("is spoken of when something changed, not with every snapshot", async () => {
    gateway(OF_A_RUN);
    const { container } = open(RUN);
    await screen.findByText("50.9");
    const said = (): string | null | undefined => container.querySelector(".sr[aria-live=polite]")?.textContent;
    const tell = (seq: number, current: number, headline: string): void =>
      useMigrations.getState().updateProgress(
        progressOf(status({ seq, progress: { current, total: 2040, percentage: current / 20.4, estimated: false }, verdict: { code: "still", ground: "attention", headline, detail: "", figures: {} } })),
      );
    tell(11, 1045, "Nothing has settled for 1 min.");
    await waitFor(() => expect(said()).toBe("Running. Nothing has settled for 1 min. 50 % settled."));
    tell(12, 1050, "Nothing has settled for 2 min.");
    expect(await screen.findByText("51.4")).toBeInTheDocument();
    expect(said()).toBe("Running. Nothing has settled for 1 min. 50 % settled.");
    expect(screen.getByText("Nothing has settled for 2 min.").closest("[role=status]")).toBeNull();
  });

  test("turns over when it is complete: the balance is the verdict", async () => {
    const done = status({
      phase: "completed",
      status: "completed",
      completedAt: "2026-11-22T02:24:00Z",
      progress: { current: 2040, total: 2040, percentage: 100, estimated: false },
      mappings: [mapping("orders", { state: "complete", counts: counts({ loaded: 2000, quarantined: 40 }) })],
      verdict: { code: "balanced", ground: "completed", headline: "Every row is accounted for.", detail: "", figures: {} },
    });
    gateway({ ...OF_A_RUN, [`GET /api/runs/${RUN_ID}/status`]: done });
    open(RUN);
    expect(await screen.findByRole("heading", { name: "Every row is accounted for" })).toBeInTheDocument();
    expect(screen.getByRole("group", { name: "Balance" })).toHaveTextContent("0unaccounted");
    expect(screen.queryByRole("button", { name: "Pause" })).toBeNull();
  });

  test("that does not balance is never shown as if it did", async () => {
    const lost = status({
      phase: "completed",
      verdict: { code: "unaccounted", ground: "failed", headline: "3 rows are unaccounted.", detail: "The run is not complete.", figures: {} },
    });
    gateway({ ...OF_A_RUN, [`GET /api/runs/${RUN_ID}/status`]: { ...lost, balance: { ...lost.balance, unaccounted: 3, balanced: false } } });
    open(RUN);
    expect(await screen.findByRole("alert")).toHaveTextContent("3 rows are unaccounted.");
    expect(screen.queryByText("Every row is accounted for")).toBeNull();
  });

  test("of a viewer has no buttons", async () => {
    gateway(OF_A_RUN);
    open(RUN, "viewer");
    await screen.findByText("Nothing needs you.");
    expect(screen.queryByRole("button", { name: /Pause|Cancel/ })).toBeNull();
  });
});

describe("a new run", () => {
  const PREFLIGHT = {
    runId: RUN_ID,
    migrationId: MIGRATION_ID,
    state: "done",
    plan: "clinic",
    planVersion: 14,
    actor: "ops.lead",
    requestedAt: "2026-11-22T00:00:00Z",
    checkedAt: "2026-11-22T00:00:04Z",
    checks: [{ code: "a", name: "legacy_role", state: "passed", message: "may only read" }],
    findings: [],
    error: null,
  };
  const NEW = `/migrations/${MIGRATION_ID}/new`;
  const ANSWERS = {
    "GET /api/config": CONFIGURATION,
    [`GET /api/migrations/${MIGRATION_ID}`]: migration(),
    [`GET /api/migrations/${MIGRATION_ID}/preflight`]: PREFLIGHT,
    [`POST /api/migrations/${MIGRATION_ID}/preflight`]: PREFLIGHT,
  };

  test("goes no further while a check fails, and shows the fix", async () => {
    const checks = [{ code: "b", name: "target_pooler", state: "failed", message: "port 6543", fix: "Use port 5432." }];
    gateway({ ...ANSWERS, [`POST /api/migrations/${MIGRATION_ID}/preflight`]: { ...PREFLIGHT, state: "failed", checks } });
    open(NEW);
    expect(await screen.findByText("Use port 5432.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Options" })).toBeDisabled();
  });

  test("cannot be opened at a later step while a check fails", async () => {
    const checks = [{ code: "b", name: "target_pooler", state: "failed", message: "port 6543", fix: "Use port 5432." }];
    gateway({ ...ANSWERS, [`GET /api/migrations/${MIGRATION_ID}/preflight`]: { ...PREFLIGHT, state: "failed", checks } });
    open(`${NEW}?step=confirm&real=true`);
    expect(await screen.findByText("Use port 5432.")).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: "Start run" })).toBeNull();
  });

  test("asks for the preflight that is missing", async () => {
    const { asked } = gateway({
      ...ANSWERS,
      [`GET /api/migrations/${MIGRATION_ID}/preflight`]: { refused: 404, code: "no_preflight", detail: "There is none." },
      [`POST /api/migrations/${MIGRATION_ID}/preflight`]: PREFLIGHT,
    });
    open(NEW);
    await waitFor(() => expect(screen.getByRole("button", { name: "Options" })).toBeEnabled());
    expect(asked.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  test("is a dry run unless the person chooses otherwise", async () => {
    const { asked } = gateway({ ...ANSWERS, ...OF_A_RUN, "POST /api/migrations/start": run({ state: "pending" }) });
    const { router } = open(NEW);
    await waitFor(() => expect(screen.getByRole("button", { name: "Options" })).toBeEnabled());
    await userEvent.click(screen.getByRole("button", { name: "Options" }));
    expect(screen.getByRole("radio", { name: /^Dry run/ })).toBeChecked();
    await userEvent.click(screen.getByRole("button", { name: "Confirm" }));
    await userEvent.click(screen.getByRole("button", { name: "Start dry run" }));
    await waitFor(() => expect(router.state.location.pathname).toBe(RUN));
    expect(asked.find(({ url }) => url === "/api/migrations/start")?.body).toEqual({
      migrationId: MIGRATION_ID,
      options: { validateOnly: true, skipValidation: false, priority: "NORMAL" },
    });
  });

  test("can be a differential one of some mappings, verified afterwards", async () => {
    const plan = { name: "clinic", version: 14, mappings: [{ name: "orders", target: "orders" }, { name: "offices", target: "clinics" }] };
    const { asked } = gateway({ ...ANSWERS, ...OF_A_RUN, "GET /api/plans/clinic": plan, "POST /api/migrations/start": run({ state: "pending" }) });
    open(`${NEW}?step=options`);
    await userEvent.click(await screen.findByRole("radio", { name: /^Differential run/ }));
    expect(screen.queryByRole("checkbox", { name: /^Suspend constraints/ })).toBeNull();
    await userEvent.click(screen.getByRole("checkbox", { name: /^Leave out the rules/ }));
    await userEvent.click(screen.getByRole("checkbox", { name: /^Verify afterwards/ }));
    expect(screen.getByRole("checkbox", { name: /^Leave out the rules/ })).not.toBeChecked();
    await userEvent.click(screen.getByRole("checkbox", { name: /^Only some mappings/ }));
    expect(screen.getByRole("button", { name: "Confirm" })).toBeDisabled();
    await userEvent.click(await screen.findByRole("checkbox", { name: /^offices/ }));
    await userEvent.click(screen.getByRole("checkbox", { name: /^orders/ }));
    await userEvent.click(screen.getByRole("button", { name: "Confirm" }));
    expect(screen.getByText("orders, offices")).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "Start differential run" }));
    await waitFor(() =>
      expect(asked.find(({ url }) => url === "/api/migrations/start")?.body).toEqual({
        migrationId: MIGRATION_ID,
        options: { validateOnly: false, skipValidation: false, priority: "NORMAL", mode: "merge", only: ["orders", "offices"], verify: true },
      }),
    );
  });

  test("that is refused says why and keeps what was chosen", async () => {
    gateway({ ...ANSWERS, "POST /api/migrations/start": { refused: 409, code: "already_active", detail: "A run is active.", remedy: "Wait for it." } });
    const { router } = open(`${NEW}?step=confirm&real=true&priority=HIGH`);
    await userEvent.click(await screen.findByRole("button", { name: "Start run" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("A run is active. Wait for it.");
    expect(router.state.location.search).toBe("?step=confirm&real=true&priority=HIGH");
  });

  test("is not for a viewer", async () => {
    gateway(ANSWERS);
    open(NEW, "viewer");
    expect(await screen.findByText("You can look, not start")).toBeInTheDocument();
  });
});

describe("the other pages", () => {
  test("the report says what is true, and what was not counted is unknown", async () => {
    gateway({ ...OF_A_RUN, [`GET /api/runs/${RUN_ID}/report`]: report() });
    open(`${RUN}/report`);
    expect(await screen.findByRole("heading", { name: "Migration report" })).toBeInTheDocument();
    expect(screen.getByRole("row", { name: "doctors.specialty invented by the plan 12" })).toBeInTheDocument();
    expect(screen.getByRole("region", { name: "Balance by mapping" })).toHaveTextContent("orders01,000900");
    expect(screen.getByText("Compliance officer, date")).toBeInTheDocument();
  });

  test("the audit starts with whether its chain is whole", async () => {
    const chain = { verified: "broken", checkedAt: "2026-11-22T00:00:00Z", count: 5, head: "5:ab", fault: "altered", brokenAt: 3 };
    gateway({ "GET /api/config": CONFIGURATION, "GET /api/audit": { entries: [], nextCursor: null, chain } });
    open("/audit", "admin");
    expect(await screen.findByRole("alert")).toHaveTextContent("The chain is broken at entry 3. Altered. Entries before it are proven");
  });

  test("the audit of one thing is in the address and in the question", async () => {
    const chain = { verified: "whole", checkedAt: "2026-11-22T00:00:00Z", count: 5, head: "5:ab", fault: null, brokenAt: null };
    const { asked } = gateway({ "GET /api/config": CONFIGURATION, "GET /api/audit": { entries: [], nextCursor: null, chain } });
    open(`/audit?about=${RUN_ID}`, "admin");
    expect(await screen.findByText("No entry matches")).toBeInTheDocument();
    expect(asked.some(({ url }) => url === `/api/audit?objectId=${RUN_ID}`)).toBe(true);
  });

  test("the audit is refused to those who may not read it, without asking", async () => {
    const { asked } = gateway({ "GET /api/config": CONFIGURATION });
    open("/audit", "viewer");
    expect(await screen.findByText("No permission")).toBeInTheDocument();
    expect(asked.some(({ url }) => url.startsWith("/api/audit"))).toBe(false);
  });

  test("a plan shows its source and its lineage, and a viewer cannot save it", async () => {
    gateway({
      "GET /api/config": CONFIGURATION,
      "GET /api/plans/clinic": {
        name: "clinic", version: 15, hash: "9c41b7f2a08d5e6f", createdAt: "2026-11-22T00:00:00Z",
        files: { "plan.yml": "name: clinic" }, versions: [{ version: 15, hash: "9c41", createdAt: "2026-11-22T00:00:00Z" }],
        valid: true, errors: [], warnings: [], sourceSchema: "public", targetSchema: "public", mappings: [], lineage: [], codebooks: [], unmapped: {},
      },
    });
    open("/plans/clinic", "viewer");
    expect(await screen.findByRole("heading", { name: "plan.yml" })).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /Save|Check/ })).toBeNull();
  });

  test("an address that leads nowhere says so", async () => {
    gateway({ "GET /api/config": CONFIGURATION });
    open("/nowhere");
    expect(await screen.findByText("Nothing is at this address")).toBeInTheDocument();
  });
});
