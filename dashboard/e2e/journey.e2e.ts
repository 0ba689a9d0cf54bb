import type { Browser, Page, WebSocketRoute } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signIn, startBrowser, visit, visitAs, type Visitor } from "./browser";
import { Gateway } from "./gateway";
import { figure, startRun } from "./pages";
import { PATIENCE_MS } from "./patience";
import { stack } from "./stack";

/** Rows in a batch: few enough that the run lasts long enough to be watched. */
const WATCHED = 400;
const SLOW = 40;
/** More than the notifier takes in one message. */
const TOO_MUCH = "4".repeat(17 * 1024);

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

describe("from signing in to the balance", () => {
  let visitor: Visitor;
  let page: Page;
  let run = "";
  const lines = new Set<WebSocketRoute>();
  /** The ends at the notifier, the last one of now, and what each of them was the first to tell. */
  const servers: { end: WebSocketRoute; from: number }[] = [];
  let endings = 0;
  let cut = false;
  const frames: string[] = [];

  beforeAll(async () => {
    visitor = await visit(browser);
    page = visitor.page;
    // Between the page and the notifier, to count what comes and to cut the line.
    await page.routeWebSocket(/\/socket\.io\//, (line) => {
      if (cut) return void line.close();
      lines.add(line);
      const server = line.connectToServer();
      servers.push({ end: server, from: frames.length });
      server.onClose(() => {
        endings += 1;
        void line.close();
      });
      server.onMessage((message) => {
        frames.push(String(message));
        line.send(message);
      });
    });
  });
  afterAll(() => visitor.context.close());

  test("a wrong password is told, the right one leads to the page that was asked for", async () => {
    await page.goto("/plans");
    await page.getByLabel("Work e-mail").fill(stack.accounts.admin.email);
    expect(visitor.complaints).toEqual([]);
    visitor.expected = /status of 401/;
    await page.getByLabel("Password").fill("not the password of anybody");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Password").fill(stack.accounts.admin.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Plans", level: 1 }).waitFor();
    expect(page.url()).toBe(`${stack.url}/plans`);
    visitor.expected = null;
    expect(visitor.complaints).toEqual([]);
  });

  test("the wizard checks both databases, asks what to do, says what will happen, and starts it", async () => {
    await page.goto("/migrations");
    run = await startRun(page, stack.migration, WATCHED);
    expect(page.url()).toBe(`${stack.url}/runs/${run}`);
  });

  test("progress moves by the socket, and nothing asks for the status meanwhile", async () => {
    await expect.poll(() => figure(page, "Rows settled"), { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    const asked = visitor.asked(/\/status$/);
    const told = frames.length;
    const seen = new Set([await figure(page, "Rows settled")]);
    await expect
      .poll(async () => seen.add(await figure(page, "Rows settled")).size, { timeout: PATIENCE_MS, interval: 100 })
      .toBeGreaterThanOrEqual(6);
    expect(visitor.asked(/\/status$/) - asked).toBe(0);
    expect(frames.slice(told).filter((frame) => frame.includes("migration:progress")).length).toBeGreaterThanOrEqual(5);
    expect(await page.title()).toMatch(/^\d+ % · /);
  });

  test("a cut line is told, its figures turn grey, and the page recovers by itself", async () => {
    cut = true;
    for (const line of lines) await line.close();
    lines.clear();
    await page.getByText(/^No live updates for/).waitFor();
    expect(await page.locator(".stale").count()).toBe(1);
    const before = await figure(page, "Rows settled");
    cut = false;
    await page.getByText(/^No live updates for/).waitFor({ state: "detached" });
    await expect.poll(async () => (await ended(page)) || (await figure(page, "Rows settled")) > before, { timeout: PATIENCE_MS }).toBe(true);
    expect(await page.locator(".stale").count()).toBe(0);
  });

  test("a line that the notifier ends comes back by itself, with the state of now", async () => {
    const opened = servers.length;
    servers.at(-1)?.end.send(TOO_MUCH);
    await expect.poll(() => endings, { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    await expect.poll(() => servers.length, { timeout: PATIENCE_MS }).toBeGreaterThan(opened);
    const heard = (): string[] => frames.slice(servers.at(-1)?.from);
    await expect.poll(() => heard().some((frame) => frame.includes("migration:progress")), { timeout: PATIENCE_MS }).toBe(true);
    await page.getByText(/^No live updates for/).waitFor({ state: "detached" });
    expect(visitor.complaints).toEqual([]);
  });

  test("the page turns over to the balance when the run is complete", async () => {
    await page.getByRole("heading", { name: "Every row is accounted for" }).waitFor();
    const balance = page.getByRole("region", { name: "Every row is accounted for" });
    expect(await balance.innerText()).toMatch(/unaccounted/i);
    await page.getByText("How we know").waitFor();
    expect(visitor.complaints).toEqual([]);
  });

  test("the report says the same on paper", async () => {
    await page.getByRole("link", { name: "Report", exact: true }).first().click();
    await page.getByRole("heading", { name: "Migration report" }).waitFor();
    expect(await page.locator(".say").innerText()).toMatch(/every one is accounted for/);
    expect(visitor.complaints).toEqual([]);
  });
});

describe("refused rows", () => {
  test("are masked; an admin sees one row for a reason and for a minute, and nothing of it stays", async () => {
    const run = await (await Gateway.as("admin")).run(stack.migration, "completed", {});
    const visitor = await visit(browser);
    const { page } = visitor;
    await page.clock.install();
    await signIn(visitor, "admin");
    await page.goto(`/runs/${run}/quarantine?mapping=profiles`);
    await page.getByRole("button", { name: "A required value is missing" }).click();
    const drawer = page.locator(".drawer");
    await drawer.getByText("masked,").first().waitFor({ state: "attached" });
    expect(await page.content()).not.toContain(stack.canary);
    await drawer.getByRole("button", { name: "Unmask…" }).click();
    const dialog = page.getByRole("dialog", { name: /Show one row/ });
    expect(await dialog.getByRole("button", { name: /^Show for/ }).isDisabled()).toBe(true);
    await dialog.getByLabel("Reason").fill("Compare with the paper file");
    await dialog.getByRole("button", { name: /^Show for/ }).click();
    await drawer.getByText(stack.canary).first().waitFor();
    expect(await visitor.kept()).not.toContain(stack.canary);
    await page.clock.fastForward(61_000);
    await drawer.getByRole("button", { name: "Unmask…" }).waitFor();
    expect(await page.content()).not.toContain(stack.canary);
    expect(await visitor.kept()).not.toContain(stack.canary);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("that were opened are in the audit, whose chain is whole", async () => {
    const visitor = await visitAs(browser, "admin");
    await visitor.page.goto("/audit?action=quarantine.unmask");
    await visitor.page.getByText(stack.accounts.admin.email).nth(1).waitFor();
    await visitor.page.getByRole("button", { name: "Check now" }).click();
    await visitor.page.getByText("The chain is whole.").waitFor();
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});

describe("another run", () => {
  test("is cancelled after a question, and says what stays", async () => {
    const gateway = await Gateway.as("migration_manager");
    await gateway.migration("Rehearsal of a cancel");
    const visitor = await visitAs(browser, "migration_manager");
    const { page } = visitor;
    await startRun(page, "Rehearsal of a cancel", SLOW);
    await expect.poll(() => figure(page, "Rows settled"), { timeout: PATIENCE_MS }).toBeGreaterThan(0);
    await page.getByRole("button", { name: "Cancel…" }).click();
    const question = page.getByRole("alertdialog");
    expect(await question.innerText()).toMatch(/settled rows? stay in the target/);
    await question.getByRole("button", { name: "Cancel run" }).click();
    await page.getByText("The run was cancelled.", { exact: true }).waitFor();
    expect(await page.getByRole("button", { name: /Pause|Resume|Cancel/ }).count()).toBe(0);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });
});

async function ended(page: Page): Promise<boolean> {
  return (await page.getByRole("heading", { name: "Every row is accounted for" }).count()) > 0;
}
