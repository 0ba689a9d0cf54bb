import { expect, test } from "vitest";
import { progressOf, status } from "../../tests/fixtures";
import { withProgress } from "./overlay";

test("an event brings the whole status: figures, verdict, stages", () => {
  const moved = status({ seq: 11, progress: { current: 1224, total: 2040, percentage: 60, estimated: false } });
  expect(withProgress(status(), progressOf(moved))).toBe(moved);
});

test("an event that is older than the status, or of another run, changes nothing", () => {
  const now = status();
  expect(withProgress(now, progressOf(status({ seq: 9 })))).toBe(now);
  expect(withProgress(now, progressOf(status({ readAt: "2026-11-22T01:46:59Z" })))).toBe(now);
  expect(withProgress(now, progressOf(status({ seq: 11, runId: "another" })))).toBe(now);
  expect(withProgress(now, undefined)).toBe(now);
});
