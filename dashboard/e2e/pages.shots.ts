import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import { SIZES, startBrowser, visit, visitAs, type Scheme, type Size } from "./browser";
import { everyPage, type Place } from "./places";

const FOLDER = process.env.TRANSFUSE_SCREENSHOTS ?? join(import.meta.dirname, "../../.transfuse/screenshots");
const SCHEMES: readonly Scheme[] = ["light", "dark"];
/** Taller than a window: drawn whole as well. */
const WHOLE = new Set(["run", "run-completed", "report", "plan", "validation", "verification"]);

let browser: Browser;
let places: readonly Place[] = [];
beforeAll(async () => {
  mkdirSync(FOLDER, { recursive: true });
  browser = await startBrowser();
  places = await everyPage();
});
afterAll(() => browser.close());

describe.each(Object.keys(SIZES) as Size[])("pictures of every page on a %s", (size) => {
  test("in light and dark", async () => {
    const file = (name: string, scheme: Scheme, whole = false): string => join(FOLDER, `${name}-${size}-${scheme}${whole ? "-full" : ""}.png`);
    const stranger = await visit(browser, { size });
    await stranger.page.goto("/sign-in");
    await stranger.page.getByRole("button", { name: "Sign in" }).waitFor();
    for (const scheme of SCHEMES) {
      await stranger.page.emulateMedia({ colorScheme: scheme });
      await stranger.page.screenshot({ path: file("sign-in", scheme) });
    }
    await stranger.context.close();
    const { context, page } = await visitAs(browser, "admin", { size });
    for (const place of places) {
      await place.open(page);
      for (const scheme of SCHEMES) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.screenshot({ path: file(place.name, scheme) });
        if (WHOLE.has(place.name)) await page.screenshot({ path: file(place.name, scheme, true), fullPage: true });
      }
    }
    await context.close();
  });
});
