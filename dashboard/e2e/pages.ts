import type { Page } from "playwright-core";

/** Goes through the wizard from the list of migrations to the started run; its id. */
export async function startRun(page: Page, migration: string, batchRows: number): Promise<string> {
  await page.getByRole("link", { name: "New run" }).first().click();
  await page.getByRole("heading", { name: "Which migration?" }).waitFor();
  await page.getByRole("link", { name: migration, exact: true }).click();
  await page.getByText(/\d+ checks passed/).waitFor();
  await page.getByRole("button", { name: "Options" }).click();
  await page.getByRole("radio", { name: /^Real run/ }).check();
  await page.getByLabel("Rows in a batch").fill(String(batchRows));
  await page.getByRole("button", { name: "Confirm" }).click();
  await page.getByText(/^Real: rows are written/).waitFor();
  await page.getByRole("button", { name: "Start run" }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}$/);
  return new URL(page.url()).pathname.split("/")[2] ?? "";
}

/** A number of a run's page by its label. */
export async function figure(page: Page, label: string): Promise<number> {
  const text = await page.locator(".fig", { hasText: label }).first().innerText();
  const found = /(\d[\d,]*(?:\.\d+)?)/.exec(text.replace(label, ""));
  return found?.[1] === undefined ? 0 : Number(found[1].replaceAll(",", ""));
}
