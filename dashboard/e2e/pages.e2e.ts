import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SIZES, startBrowser, visit, visitAs, type Size } from "./browser";
import { firstChart } from "./firstChart";
import { everyPage, type Place } from "./places";
import { stack } from "./stack";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
const SCHEMES = ["light", "dark"] as const;
const MOST_BYTES = 250_000;

interface Violation {
  id: string;
  impact: string | null;
  nodes: { target: string[]; failureSummary?: string }[];
}

let browser: Browser;
let places: readonly Place[] = [];
beforeAll(async () => {
  browser = await startBrowser();
  places = await everyPage();
});
afterAll(() => browser.close());

const SHOWN_NODES = 3;

/** What axe finds that is serious or critical, by rule and place. Of the second scheme the contrast is all that can differ. */
async function violations(page: Page, contrastOnly = false): Promise<readonly string[]> {
  if (!(await page.evaluate("'axe' in window"))) await page.evaluate(AXE);
  const found = await page.evaluate<Violation[]>(
    `axe.run(document, { resultTypes: ['violations']${contrastOnly ? ", runOnly: ['color-contrast']" : ""} }).then((result) => result.violations)`,
  );
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.slice(0, SHOWN_NODES).map(({ target, failureSummary }) => `${id} ${target.join(" ")} ${failureSummary ?? ""}`));
}

describe.each(Object.keys(SIZES) as Size[])("every page on a %s", (size) => {
  test("is accessible in light and dark, fits, and says nothing to the console", async () => {
    const visitor = await visitAs(browser, "admin", { size });
    const { page } = visitor;
    const found: string[] = [];
    for (const place of places) {
      await place.open(page);
      for (const scheme of SCHEMES) {
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
        found.push(...(await violations(page, scheme === "dark")).map((text) => `${place.name} ${scheme}: ${text}`));
      }
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (beyond > 0) found.push(`${place.name}: ${beyond} px wider than the window`);
      found.push(...visitor.complaints.splice(0).map((text) => `${place.name}: ${text}`));
    }
    expect(found).toEqual([]);
    expect(await visitor.kept()).not.toContain(stack.canary);
    await visitor.context.close();
  });

  test("signing in is accessible too", async () => {
    const visitor = await visit(browser, { size });
    await visitor.page.goto("/sign-in");
    await visitor.page.getByRole("button", { name: "Sign in" }).waitFor();
    const found: string[] = [];
    for (const colorScheme of SCHEMES) {
      await visitor.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      found.push(...(await violations(visitor.page)));
    }
    expect([...found, ...visitor.complaints]).toEqual([]);
    await visitor.context.close();
  });
});

describe("the first sight of a run", () => {
  test("takes at most 250 kB of compressed script until its chart is drawn", async () => {
    const run = places.find(({ name }) => name === "run");
    if (run === undefined) throw new Error("there is no page of a run.");
    const visitor = await visitAs(browser, "viewer");
    const { bytes } = await firstChart(visitor, run);
    process.stdout.write(`script until the first chart of a run: ${(bytes / 1000).toFixed(0)} kB gzip\n`);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(MOST_BYTES);
    await visitor.context.close();
  });
});
