import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";
import type { AuditEntry, Finding, LineageColumn, QuarantineGroup } from "../api/types";
import { AuditTable, detailText } from "./AuditTable";
import { Lineage, placed } from "./Lineage";
import { drawn } from "../../tests/page";
import { corrected, parts, PlanSource, suggestionOf } from "./PlanSource";
import { ReasonTable } from "./ReasonTable";

function group(reason: string, count: number): QuarantineGroup {
  return { mapping: "orders", column: "status", reason, stage: "transform", waitsFor: "", count, waiting: count, title: "", remedy: "" };
}

test("reasons are buttons with their numbers, and the share of each is told", async () => {
  const groups = [group("unknown_code", 214), group("out_of_range", 58)];
  const select = vi.fn();
  render(<ReasonTable groups={groups} total={1902} selected={groups[0] ?? null} onSelect={select} />);
  expect(screen.getByRole("button", { name: "Unknown code" })).toHaveAttribute("aria-pressed", "true");
  expect(screen.getByRole("img", { name: "11.2 % of the quarantine" })).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Out of range" }));
  expect(select).toHaveBeenCalledWith(groups[1]);
});

describe("the source of a plan", () => {
  const finding: Finding = {
    message: "No codebook order_states.",
    field: "",
    file: "plan.yml",
    line: 2,
    column: 20,
    remedy: "Write order_status.",
  };
  const text = "columns:\n  status: codebook('order_states', i.status)";

  test("shows an error under its line, with the near miss as a click", async () => {
    const take = vi.fn();
    drawn(<PlanSource file="plan.yml" text={text} errors={[finding]} onTake={take} />);
    const bad = screen.getAllByRole("listitem")[1];
    expect(bad).toHaveClass("bad");
    expect(bad).toHaveTextContent("No codebook order_states. Line 2, column 20.");
    await userEvent.click(screen.getByRole("button", { name: "use “order_status”" }));
    expect(take).toHaveBeenCalledWith(finding);
  });

  test("shows the line that a preflight names, though the plan by itself has no error", () => {
    const scroll = vi.spyOn(HTMLElement.prototype, "scrollIntoView");
    drawn(<PlanSource file="plan.yml" text={text} errors={[]} />, "/plans/clinic?file=plan.yml#plan.yml-2");
    const [, asked] = screen.getAllByRole("listitem");
    expect(asked).toHaveClass("asked");
    expect(scroll.mock.instances).toEqual([asked]);
  });

  test("takes the suggestion at its place and nowhere else", () => {
    expect(corrected(text, finding)).toBe("columns:\n  status: codebook('order_status', i.status)");
    expect(corrected(text, { ...finding, column: 21 })).toBe("columns:\n  status: codebook('order_status', i.status)");
    expect(corrected(text, { ...finding, remedy: "Look again." })).toBe(text);
  });

  test("knows a suggestion only where the remedy is one", () => {
    expect(suggestionOf(finding)).toBe("order_status");
    expect(suggestionOf({ ...finding, remedy: "Write it again, please." })).toBeNull();
  });

  test("loses no letter in colouring a line", () => {
    for (const line of ["  - name: orders", "    key: i.id", `      number: "'ORD-' || lpad(i.id, 7, '0')"`, "# only a comment", ""])
      expect(parts(line).map((part) => part.text).join("")).toBe(line);
  });
});

describe("lineage", () => {
  const columns: LineageColumn[] = ["id", "total"].map((column) => ({
    mapping: "orders",
    table: "public.orders",
    column,
    expression: column === "id" ? "key()" : "i.price - i.discount",
    sources: column === "id" ? [] : ["price", "discount"].map((name) => ({ alias: "i", table: "public.instruction", column: name })),
    functions: [],
    codebooks: [],
    refersTo: [],
    invented: false,
  }));

  test("says in words what the picture shows, and each column can be chosen without it", async () => {
    const select = vi.fn();
    render(<Lineage mapping="orders" columns={columns} selected="" onSelect={select} />);
    expect(screen.getByRole("img", { name: "Lineage of orders: 2 target columns from 2 legacy columns." })).toBeInTheDocument();
    await userEvent.click(screen.getByRole("button", { name: "total" }));
    expect(select).toHaveBeenCalledWith("total");
  });

  test("inspects the chosen column", () => {
    render(<Lineage mapping="orders" columns={columns} selected="total" onSelect={vi.fn()} />);
    expect(screen.getByText("public.instruction.price, public.instruction.discount")).toBeInTheDocument();
  });

  test("no two legacy columns share a place", () => {
    const heights = placed(columns).sources.map((source) => source.y);
    expect(new Set(heights).size).toBe(heights.length);
  });
});

test("the audit shows who did what, and a refusal by word too", () => {
  const entry: AuditEntry = {
    seq: 18204,
    at: "2026-11-22T00:57:51Z",
    actor: "viewer-4",
    subject: "5d7f8f0a-52e1-4f7b-8a2c-1d2f3a4b5c6d",
    role: "viewer",
    action: "quarantine.unmask",
    objectKind: "run",
    objectId: "orders",
    outcome: "refused",
    address: "",
    requestId: "",
    detail: { needs: "quarantine:unmask", tables: ["a", "b"], none: null },
  };
  render(<AuditTable entries={[entry]} now={new Date("2026-11-22T01:47:00Z")} />);
  expect(screen.getAllByRole("row")[1]).toHaveTextContent("viewer-4was refused quarantine.unmask run orders");
  expect(screen.getByText("viewer-4")).toHaveAttribute("title", "5d7f8f0a-52e1-4f7b-8a2c-1d2f3a4b5c6d");
  expect(screen.getAllByRole("row")[1]).toHaveClass("failed");
  expect(detailText(entry.detail)).toBe("needs: quarantine:unmask · tables: a, b");
});
