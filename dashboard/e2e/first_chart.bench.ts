import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startBrowser, visitAs } from "./browser";
import { firstChart, type FirstChart } from "./firstChart";
import { everyPage } from "./places";

const LOADS = Number(process.env.TRANSFUSE_LOADS);

/** Measures and judges nothing: `bench/pages.py` reads the figures and holds them against its limit. */
test("the first chart of a run, load after load", async () => {
  const file = process.env.TRANSFUSE_FIGURES;
  if (file === undefined) throw new Error("TRANSFUSE_FIGURES names no file: this is started by `python -m bench pages`.");
  const run = (await everyPage()).find(({ name }) => name === "run");
  if (run === undefined) throw new Error("there is no page of a run.");
  const browser = await startBrowser();
  const loads: FirstChart[] = [];
  while (loads.length < LOADS) {
    const visitor = await visitAs(browser, "viewer");
    loads.push(await firstChart(visitor, run));
    await visitor.context.close();
  }
  writeFileSync(file, JSON.stringify(loads));
  await browser.close();
  expect(loads).toHaveLength(LOADS);
});
