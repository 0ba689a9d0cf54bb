import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { describe, expect, test, vi } from "vitest";
import { counts, mapping, status } from "../../tests/fixtures";
import { drawn } from "../../tests/page";
import type { RunState } from "../api/types";
import { STATES } from "../words/states";
import { DurationBars } from "./DurationBars";
import { EventList } from "./EventList";
import { MappingTable } from "./MappingTable";
import { PhaseTrack } from "./PhaseTrack";
import { ProofList } from "./ProofList";
import { chartSentence, RateChart } from "./RateChart";
import { slowest, StageFunnel } from "./StageFunnel";
import { StatePill } from "./StatePill";
import { Verdict } from "./Verdict";

vi.mock("uplot", () => {
  class Chart {
    static paths = {};
    width = 0;
    setSize = vi.fn();
    destroy = vi.fn();
  }
  return { default: Chart };
});

test("every state has an icon and a word, and a dry run has words of its own", () => {
  for (const state of Object.keys(STATES) as RunState[]) {
    const { container, unmount } = render(<StatePill state={state} />);
    expect(container.querySelector("svg")).not.toBeNull();
    expect(container).toHaveTextContent(STATES[state].word);
    unmount();
  }
  render(<StatePill state="completed" dryRun />);
  expect(screen.getByText("Dry run completed")).toBeInTheDocument();
});

test("a verdict that needs somebody is an alert, any other a status", () => {
  const { rerender } = render(<Verdict verdict={{ ground: "failed", headline: "3 rows are unaccounted.", detail: "The run is not complete." }} />);
  expect(screen.getByRole("alert")).toHaveTextContent("3 rows are unaccounted. The run is not complete.");
  rerender(<Verdict verdict={{ ground: "completed", headline: "Nothing needs you.", detail: "" }} />);
  expect(screen.getByRole("status")).toHaveTextContent("Nothing needs you.");
});

test("the phase of now is named, those before it are done", () => {
  render(<PhaseTrack phases={status().phases} now="running" percentage={74} />);
  const items = screen.getAllByRole("listitem");
  expect(items.map((item) => item.textContent)).toEqual(["Wait, done", "Plan, done", "Move rows", "Finish, to come", "Balance, to come"]);
  expect(items[2]).toHaveAttribute("aria-current", "step");
});

describe("the funnel of stages", () => {
  test("names the stage that sets the pace, and a queue that is nearly full", () => {
    const { stages } = status();
    expect(slowest(stages)).toBe("load");
    render(<StageFunnel stages={stages} />);
    expect(screen.getByText("nearly full ·")).toBeInTheDocument();
    expect(screen.getByText("57").parentElement).toHaveTextContent("nearly full · 57 of 64 batches wait");
    expect(screen.getByText("Load").closest("li")).toHaveClass("slow");
  });

  test("no stage is slow while none is nearly always busy", () => expect(slowest(status().stages.slice(0, 2))).toBeNull());

  test("a depth that is not known is not shown as 0", () => {
    render(<StageFunnel stages={status().stages.map((stage) => ({ ...stage, queueDepth: null }))} />);
    expect(screen.getAllByText("depth unknown")).toHaveLength(2);
  });
});

describe("the table of mappings", () => {
  const mappings = [
    mapping("offices", { state: "complete", counts: counts({ loaded: 40 }) }),
    mapping("attachments", { state: "planned", waitsFor: ["messages", "files"], total: 100 }),
    mapping("tasks", { counts: counts({ loaded: 60, quarantined: 3 }), total: 1000, rowsPerSecond: 11 }),
  ];

  function Sorted({ unaccounted }: { unaccounted?: ReadonlyMap<string, number | null> }) {
    const [sort, setSort] = useState("");
    return <MappingTable mappings={mappings} sort={sort} onSort={setSort} quarantine={(name) => `/q/${name}`} {...(unaccounted && { unaccounted })} />;
  }

  const names = (): (string | null | undefined)[] =>
    within(screen.getByRole("table"))
      .getAllByRole("row")
      .slice(1, -1)
      .map((row) => row.querySelector(".nmx > :nth-child(2)")?.textContent);

  test("shows what moves before what waits and what is complete", () => {
    drawn(<Sorted />);
    expect(names()).toEqual(["tasks", "attachments", "offices"]);
    expect(screen.getAllByText("waits for messages, files").length).toBeGreaterThan(0);
  });

  test("sorts by a column, and says so", async () => {
    drawn(<Sorted />);
    await userEvent.click(screen.getByRole("button", { name: "Loaded" }));
    expect(names()).toEqual(["tasks", "offices", "attachments"]);
    expect(screen.getByRole("columnheader", { name: "Loaded" })).toHaveAttribute("aria-sort", "descending");
    await userEvent.click(screen.getByRole("button", { name: "Loaded" }));
    expect(names()).toEqual(["attachments", "offices", "tasks"]);
  });

  test("leads from refused rows to their quarantine", () => {
    drawn(<Sorted />);
    expect(screen.getAllByRole("link", { name: "tasks" })[0]).toHaveAttribute("href", "/q/tasks");
    expect(screen.queryByRole("link", { name: "offices" })).toBeNull();
  });

  test("what was not counted is unknown, never 0", () => {
    drawn(<Sorted unaccounted={new Map([["tasks", null], ["offices", 0], ["attachments", 0]])} />);
    const table = screen.getByRole("table");
    expect(within(table).getAllByText("unknown")).toHaveLength(2);
  });
});

describe("the chart of the rate", () => {
  const points = [
    { at: "2026-11-22T00:12:00Z", rowsPerSecond: 38_640, quarantinedPerMinute: 0 },
    { at: "2026-11-22T01:02:00Z", rowsPerSecond: 4_200, quarantinedPerMinute: 84 },
    { at: "2026-11-22T01:47:00Z", rowsPerSecond: 38_910, quarantinedPerMinute: 2 },
  ];

  test("has a sentence as its label and a table within reach", () => {
    render(<RateChart points={points} bucketSeconds={60} average={37_804} />);
    expect(screen.getByRole("img").getAttribute("aria-label")).toMatch(/now 38,910, average 37,800, lowest 4,200 at \d\d:02\. About 86 quarantined/);
    expect(screen.getAllByRole("row")).toHaveLength(4);
  });

  test("says so when nothing has settled", () => expect(chartSentence([], 0, 60)).toBe("No rows have settled yet."));
});

test("events are told in words, with mapping and figures; unknown ones by their name", () => {
  drawn(
    <EventList
      page="/runs/1/events"
      events={[
        { seq: 3, at: "2026-11-22T01:46:52Z", level: "warning", kind: "warning", detail: { mapping: "tasks", code: "slow_join", rows: 3 } },
        { seq: 2, at: "2026-11-22T01:12:44Z", level: "info", kind: "asked", detail: { verb: "pause", actor: "ops.lead" } },
        { seq: 1, at: "2026-11-22T00:12:00Z", level: "error", kind: "state", detail: { state: "failed", reason: "out_of_disk" } },
      ]}
    />,
  );
  expect(screen.getAllByRole("listitem").map((item) => item.lastElementChild?.textContent)).toEqual([
    "tasks Slow joinrows 3",
    "ops.lead asked to pause",
    "FailedOut of disk",
  ]);
});

test("a mapping that is complete, failed or at its limit says so, with what came of its rows", () => {
  const none = { updated: 0, unchanged: 0, merged: 0, filtered: 0 };
  const ended = { ...none, code: "mapping_complete", mapping: "orders", pass: 1, state: "complete", reason: "", read: 1040, loaded: 1026, quarantined: 14 };
  const failed = { ...none, code: "mapping_failed", mapping: "tasks", pass: 2, state: "failed", reason: "target_refused", read: 0, loaded: 0, quarantined: 0 };
  drawn(
    <EventList
      page="/runs/1/events"
      events={[
        { seq: 3, at: "2026-11-22T01:46:52Z", level: "info", kind: "mapping", detail: ended },
        { seq: 2, at: "2026-11-22T01:12:44Z", level: "error", kind: "mapping", detail: failed },
        { seq: 1, at: "2026-11-22T00:12:00Z", level: "warning", kind: "limit", detail: { mapping: "notes", pass: 1, state: "paused", quarantined: 1001 } },
      ]}
    />,
  );
  const items = screen.getAllByRole("listitem");
  expect(items.map((item) => item.lastElementChild?.textContent)).toEqual([
    "orders is complete1,040 read · 1,026 loaded · 14 quarantined",
    "tasks failed, pass 2Target refused",
    "notes paused at its quarantine limit1,001 quarantined",
  ]);
  expect(items.map((item) => item.className)).toEqual(["completed", "failed", "attention"]);
});

test("each event has an address, and the one asked for is shown", () => {
  const scroll = vi.spyOn(HTMLElement.prototype, "scrollIntoView");
  const event = { at: "2026-11-22T01:46:52Z", level: "info", kind: "state", detail: { state: "running" } } as const;
  drawn(<EventList page="/runs/1/events" events={[{ ...event, seq: 2 }, { ...event, seq: 1 }]} />, "/runs/1/events#event-1");
  expect(screen.getAllByRole("link").map((link) => link.getAttribute("href"))).toEqual(["/runs/1/events#event-2", "/runs/1/events#event-1"]);
  const [, asked] = screen.getAllByRole("listitem");
  expect(asked).toHaveClass("asked");
  expect(scroll.mock.instances).toEqual([asked]);
});

test("what was not checked never looks like a pass", () => {
  const { container } = render(
    <ProofList
      evidence={[
        { code: "counted", check: "Counted before", result: "equal", state: "holds", at: null },
        { code: "compared", check: "Compared afterwards", result: "", state: "not_checked", at: null },
      ]}
    />,
  );
  const [passed, open] = container.querySelectorAll(".w > span");
  expect(passed).toHaveClass("completed");
  expect(open).toHaveTextContent("Not checked");
  expect(open).not.toHaveClass("completed");
});

test("the time of each phase that ended is drawn and written", () => {
  render(<DurationBars phases={status().phases} />);
  expect(screen.getAllByRole("listitem").map((item) => item.textContent)).toEqual(["Wait0:12", "Plan1:12"]);
});
