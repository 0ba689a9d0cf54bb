import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBrowser, visitAs } from "./browser";
import { Gateway } from "./gateway";
import { stack } from "./stack";

const ACTIONS = /^(New run|Start|Pause|Resume|Cancel|Register|Delete|Unmask|Save|Check|Edit|Undo|Verify|Replay|Repair|Leave out)/; // what rows say begins with something else

let browser: Browser;
let run = "";
beforeAll(async () => {
  browser = await startBrowser();
  run = await (await Gateway.as("admin")).run(stack.migration, "completed", {});
});
afterAll(() => browser.close());

describe("a viewer", () => {
  test("sees every page of a run and a plan, and no action on any", async () => {
    const visitor = await visitAs(browser, "viewer");
    const { page } = visitor;
    const { id } = await (await Gateway.as("viewer")).migration(stack.migration);
    for (const path of ["/migrations", `/migrations/${id}`, `/runs/${run}`, `/runs/${run}/quarantine`, `/runs/${run}/verification`, `/runs/${run}/events`, "/plans", `/plans/${stack.plan}`, "/system"]) {
      await page.goto(path);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.waitForLoadState("networkidle");
      const main = page.getByRole("main");
      expect(await main.getByRole("button", { name: ACTIONS }).allInnerTexts(), path).toEqual([]);
      expect(await main.getByRole("link", { name: ACTIONS }).allInnerTexts(), path).toEqual([]);
    }
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("who has a link to an action reads whom to ask, and nothing is asked of the gateway", async () => {
    const visitor = await visitAs(browser, "viewer");
    const { page } = visitor;
    const { id } = await (await Gateway.as("viewer")).migration(stack.migration);
    await page.goto(`/migrations/${id}/new?step=confirm&real=true`);
    await page.getByText("You can look, not start").waitFor();
    await page.goto("/audit");
    await page.getByText("No permission").waitFor();
    expect(visitor.asked(/preflight|\/api\/audit|start$/)).toBe(0);
    expect(visitor.complaints).toEqual([]);
    await visitor.context.close();
  });

  test("is refused by the API whatever the page shows", async () => {
    const viewer = await Gateway.as("viewer");
    const { id } = await viewer.migration(stack.migration);
    const asked: readonly (readonly [string, string, unknown?])[] = [
      ["POST", "/api/migrations/start", { migrationId: id, options: {} }],
      ["POST", "/api/migrations", { name: "Not mine", plan: stack.plan }],
      ["POST", `/api/migrations/${id}/cancel`],
      ["POST", `/api/migrations/${id}/pause`],
      ["POST", `/api/migrations/${id}/preflight`],
      ["DELETE", `/api/migrations/${id}`],
      ["PUT", `/api/plans/${stack.plan}`, { files: { "plan.yml": "transfuse: 1" } }],
      ["POST", `/api/runs/${run}/quarantine/${crypto.randomUUID()}/unmask`, { reason: "only to see whether it goes" }],
      ["POST", `/api/runs/${run}/undo`, { builtOn: "refuse" }],
      ["POST", `/api/runs/${run}/verify`, {}],
      ["POST", `/api/runs/${run}/repair`, {}],
      ["POST", `/api/runs/${run}/replay`, { all: true }],
      ["GET", "/api/audit"],
      ["GET", "/api/users"],
    ];
    const answers = await Promise.all(asked.map(async ([method, path, body]) => (await viewer.ask(method, path, body)).status));
    expect(answers).toEqual(asked.map(() => 403));
  });
});
