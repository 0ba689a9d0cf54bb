import type { Page } from "playwright-core";
import { Gateway } from "./gateway";
import { stack } from "./stack";

/** A page in the state in which it is looked at. */
export interface Place {
  name: string;
  path: string;
  open: (page: Page) => Promise<void>;
}

const REHEARSAL = "Rehearsal";
/** So few rows that the run is still under way when it is paused. */
const SLOW_BATCH = 500;

async function open(page: Page, path: string, ready: (page: Page) => Promise<unknown>): Promise<void> {
  await page.goto(path);
  await page.locator("h1").first().waitFor();
  await ready(page);
  await page.waitForLoadState("networkidle");
}

/** Every page of the dashboard, with a completed run and one that is under way. */
export async function everyPage(): Promise<readonly Place[]> {
  const admin = await Gateway.as("admin");
  const run = await admin.run(stack.migration, "completed", {});
  const live = await admin.run(REHEARSAL, "paused", { batchSize: SLOW_BATCH });
  const dry = await admin.dryRun(stack.migration);
  const verify = await admin.verified("Verified once more");
  const { id } = await admin.migration(stack.migration);
  await admin.migration("Spring intake");
  const place = (name: string, path: string, ready: (page: Page) => Promise<unknown>): Place => ({
    name,
    path,
    open: (page) => open(page, path, ready),
  });
  return [
    place("migrations", "/migrations", (page) => page.getByText("balanced").first().waitFor({ state: "attached" })),
    place("register", "/migrations?register=true", (page) => page.getByRole("dialog").waitFor()),
    place("migration", `/migrations/${id}`, (page) => page.getByRole("link", { name: run.slice(0, 8) }).first().waitFor()),
    place("new-run-choose", "/new", (page) => page.getByRole("link", { name: stack.migration }).waitFor()),
    place("new-run", `/migrations/${id}/new`, (page) => page.getByText(/^\d+ checks passed/).waitFor()),
    place("new-run-options", `/migrations/${id}/new?step=options`, (page) => page.getByRole("radio", { name: /^Dry run/ }).waitFor()),
    place("new-run-real", `/migrations/${id}/new?step=options&real=true&some=true`, (page) => page.getByRole("checkbox", { name: /^profiles/ }).waitFor()),
    place("new-run-confirm", `/migrations/${id}/new?step=confirm&real=true`, (page) => page.getByRole("button", { name: "Start run" }).waitFor()),
    place("run", `/runs/${live}`, (page) => page.locator(".chart-box canvas").waitFor()),
    place("run-cancel", `/runs/${live}?ask=cancel`, (page) => page.getByRole("alertdialog").waitFor()),
    place("run-completed", `/runs/${run}`, (page) => page.getByText(/\d+ checks$/).waitFor()),
    place("run-undo", `/runs/${run}?ask=undo`, (page) => page.getByRole("alertdialog").waitFor()),
    place("run-verify", `/runs/${run}?ask=verify`, (page) => page.getByRole("alertdialog").waitFor()),
    place("run-dry", `/runs/${dry}`, (page) => page.getByText("nothing was written").first().waitFor()),
    place("validation", `/runs/${dry}/validation`, (page) => page.getByRole("region", { name: "Families of checks" }).waitFor()),
    place("verification", `/runs/${verify}/verification`, (page) => page.getByRole("region", { name: "Verification by mapping" }).waitFor()),
    place("unverified", `/runs/${run}/verification`, (page) => page.getByText("Nobody verified these rows.").waitFor()),
    place("quarantine-replay", `/runs/${run}/quarantine?ask=replay`, (page) => page.getByRole("alertdialog").waitFor()),
    place("quarantine", `/runs/${run}/quarantine`, (page) => page.locator(".reason").first().waitFor()),
    place("quarantine-row", `/runs/${run}/quarantine?reason=required&mapping=profiles&column=profile_type`, (page) =>
      page.locator(".drawer .kv").waitFor(),
    ),
    place("report", `/runs/${run}/report`, (page) => page.getByText("How we know").waitFor()),
    place("events", `/runs/${run}/events`, (page) => page.getByText(/is complete/).first().waitFor()),
    place("plans", "/plans", (page) => page.getByRole("link", { name: stack.plan }).waitFor()),
    place("plan", `/plans/${stack.plan}`, (page) => page.getByRole("heading", { name: "Lineage" }).waitFor()),
    place("plan-codebooks", `/plans/${stack.plan}?tab=codebooks`, (page) => page.getByText("course_type").waitFor()),
    place("plan-versions", `/plans/${stack.plan}?tab=versions`, (page) => page.getByRole("link", { name: "v1" }).waitFor()),
    place("audit", "/audit", (page) => page.getByText(/^The chain/).waitFor()),
    place("system", "/system", (page) => page.getByText("Runs active").waitFor()),
    place("nowhere", "/nowhere", () => Promise.resolve()),
  ];
}
