import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser, visitAs } from "./browser";
import { stack } from "./stack";

const FILE = "people.yml";

let browser: Browser;
beforeAll(async () => {
  browser = await startBrowser();
});
afterAll(() => browser.close());

test("a plan with a mistake is told at its line, and cannot be saved", async () => {
  const visitor = await visitAs(browser, "migration_manager");
  const { page } = visitor;
  await page.goto(`/plans/${stack.plan}?edit=true&file=${FILE}`);
  const source = page.getByRole("textbox", { name: `Source of ${FILE}` });
  const text = await source.inputValue();
  const line = text.split("\n").findIndex((found) => found.trim() === "into: offices") + 1;
  await source.fill(text.replace("into: offices", "intoo: offices"));
  await page.getByRole("button", { name: /^Check/ }).click();
  await page.getByText(/^\d+ errors?$/).first().waitFor();
  await page.getByRole("button", { name: "Show with errors" }).click();
  const wrong = page.locator(`[id="${FILE}-${line}"]`);
  await wrong.waitFor();
  expect(await wrong.getAttribute("class")).toBe("bad");
  expect(await wrong.innerText()).toContain("intoo");
  expect(await page.getByRole("button", { name: "Save as a new version" }).isDisabled()).toBe(true);
  expect(visitor.complaints).toEqual([]);
  await visitor.context.close();
});
