import { act, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, test, vi } from "vitest";
import { drawn } from "../../tests/page";
import { ApiProblem } from "../api/ApiProblem";
import { Button } from "./Button";
import { CheckList, Fix } from "./CheckList";
import { ConfirmDialog } from "./ConfirmDialog";
import { EmptyState } from "./EmptyState";
import { Masked } from "./Masked";
import { Menu } from "./Menu";
import { Problem } from "./Problem";
import { RowDrawer } from "./RowDrawer";
import { SearchField } from "./SearchField";
import { Select } from "./Select";
import { Skeleton } from "./Skeleton";
import { StaleBanner } from "./StaleBanner";
import { Stepper } from "./Stepper";
import { Tabs } from "./Tabs";
import { Toaster, useToasts } from "./Toast";
import { Tooltip } from "./Tooltip";
import { UnmaskDialog } from "./UnmaskDialog";
import { CommandSearch, matching, type Found } from "./CommandSearch";
import { useState } from "react";

const nothing = (): undefined => undefined;

test("an empty state says what is true and what to do", () => {
  render(
    <EmptyState title="No migration yet" action={<Button>Register migration</Button>}>
      Register one.
    </EmptyState>,
  );
  expect(screen.getByRole("heading")).toHaveTextContent("No migration yet");
  expect(screen.getByRole("button")).toHaveTextContent("Register migration");
});

test("a skeleton comes after 300 ms, not before", () => {
  vi.useFakeTimers();
  render(<Skeleton label="Loading mappings" />);
  expect(screen.queryByRole("status")).toBeNull();
  act(() => {
    vi.advanceTimersByTime(300);
  });
  expect(screen.getByRole("status")).toHaveTextContent("Loading mappings");
  vi.useRealTimers();
});

test("a lost line says since when, that runs go on, and can be tried at once", async () => {
  const retry = vi.fn();
  render(<StaleBanner since={new Date(Date.now() - 12_500)} onRetry={retry} />);
  expect(screen.getByText("No live updates for 12 s.")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Try now" }));
  expect(retry).toHaveBeenCalledOnce();
});

describe("a problem", () => {
  test("of the gateway is an alert with its request and what is safe", () => {
    render(<Problem error={new ApiProblem({ status: 500, detail: "Something broke.", requestId: "7f3a19c2-9999" })} onRetry={nothing} />);
    expect(screen.getByRole("alert")).toHaveTextContent("Something broke.Runs are not affected: they live in the ledger.Try nowrequest 7f3a19c2");
  });

  test("of a missing permission says whom to ask", () => {
    render(<Problem error={new ApiProblem({ status: 403, detail: "This account may not do that.", remedy: "Ask an administrator for audit:read." })} />);
    expect(screen.getByRole("heading")).toHaveTextContent("No permission");
    expect(screen.getByText(/Ask an administrator/)).toBeInTheDocument();
  });

  test("of the page itself never shows what was thrown", () => {
    render(<Problem error={new Error("value 4711 of a patient")} />);
    expect(document.body).not.toHaveTextContent("4711");
  });
});

test("a confirmation starts on leaving things as they are, and escape leaves them so", async () => {
  const confirm = vi.fn();
  const close = vi.fn();
  render(
    <ConfirmDialog
      open
      title="Cancel run 41?"
      consequences={[{ icon: "check", text: "215 settled rows stay in the target." }]}
      action="Cancel run"
      keep="Keep running"
      onConfirm={confirm}
      onClose={close}
    />,
  );
  expect(screen.getByRole("alertdialog", { name: "Cancel run 41?" })).toHaveTextContent("215 settled rows stay");
  expect(screen.getByRole("button", { name: "Keep running" })).toHaveFocus();
  await userEvent.keyboard("{Escape}");
  expect(close).toHaveBeenCalled();
  expect(confirm).not.toHaveBeenCalled();
});

test("nothing is unmasked without a reason of ten characters", async () => {
  const unmask = vi.fn();
  render(<UnmaskDialog open columns={5} seconds={60} onUnmask={unmask} onClose={nothing} />);
  const button = screen.getByRole("button", { name: "Show for 60 s" });
  const reason = screen.getByLabelText("Reason");
  await userEvent.type(reason, "  short  {Enter}");
  expect(button).toBeDisabled();
  expect(unmask).not.toHaveBeenCalled();
  await userEvent.clear(reason);
  await userEvent.type(reason, "confirm code 7 with the lab{Enter}");
  expect(unmask).toHaveBeenCalledWith("confirm code 7 with the lab");
});

test("bullets have the shape of the type, and a screen reader hears that it is masked", () => {
  const { container } = render(<Masked kind="date" />);
  expect(container.querySelector(".masked")).toHaveTextContent("••••-••-••");
  expect(container).toHaveTextContent("masked, date");
});

describe("a row beside the list", () => {
  function Page() {
    const [open, setOpen] = useState(false);
    return (
      <>
        <button type="button" onClick={() => setOpen(true)}>
          Unknown code
        </button>
        {open && (
          <RowDrawer title="One row" remark="row 3 of 214" onClose={() => setOpen(false)}>
            <p>masked</p>
          </RowDrawer>
        )}
      </>
    );
  }

  for (const [width, matches] of [["a wide window", true], ["a phone", false]] as const)
    test(`returns the focus to where it was, on ${width}`, async () => {
      vi.stubGlobal("matchMedia", () => ({ matches, addEventListener: nothing, removeEventListener: nothing }));
      render(<Page />);
      const opener = screen.getByRole("button", { name: "Unknown code" });
      await userEvent.click(opener);
      expect(screen.getByText("row 3 of 214")).toBeInTheDocument();
      expect(opener).not.toHaveFocus();
      await userEvent.click(screen.getByRole("button", { name: "Close" }));
      await vi.waitFor(() => expect(opener).toHaveFocus());
      vi.unstubAllGlobals();
    });
});

test("a toast says what happened, and a failure is told at once", async () => {
  drawn(<Toaster />);
  act(() => useToasts.getState().tell({ tone: "failed", text: "Pause was refused: the run had ended." }));
  expect(screen.getAllByText("Pause was refused: the run had ended.").length).toBeGreaterThan(0);
  await userEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(useToasts.getState().messages).toEqual([]);
});

test("a select names what it selects, and 'any' is an empty value", async () => {
  const change = vi.fn();
  render(
    <Select
      label="State"
      value=""
      choices={[
        { value: "", word: "any" },
        { value: "failed", word: "failed" },
      ]}
      onChange={change}
    />,
  );
  const trigger = screen.getByRole("combobox", { name: "State: any" });
  trigger.focus();
  await userEvent.keyboard("{Enter}{ArrowDown}{Enter}");
  expect(change).toHaveBeenCalledWith("failed");
});

test("a menu opens by keyboard and does what its item says", async () => {
  const remove = vi.fn();
  render(
    <Menu items={[{ word: "Delete migration…", danger: true, onSelect: remove }]}>
      <Button icon="more" aria-label="More actions" />
    </Menu>,
  );
  screen.getByRole("button", { name: "More actions" }).focus();
  await userEvent.keyboard("{Enter}{Enter}");
  expect(remove).toHaveBeenCalledOnce();
});

test("tabs are links, and the one shown says so", () => {
  drawn(
    <Tabs
      label="Run"
      tabs={[
        { word: "Live", to: "/runs/1", current: true },
        { word: "Quarantine", to: "/runs/1/quarantine", current: false, count: 1653 },
      ]}
    />,
  );
  expect(screen.getByRole("link", { name: "Live" })).toHaveAttribute("aria-current", "page");
  expect(screen.getByRole("link", { name: "Quarantine 1,653" })).toHaveAttribute("href", "/runs/1/quarantine");
});

test("a tooltip shows under the focus", async () => {
  render(
    <Tooltip text="Nothing is lost">
      <button type="button">Pause</button>
    </Tooltip>,
  );
  await userEvent.tab();
  expect(await screen.findByRole("tooltip")).toHaveTextContent("Nothing is lost");
});

test("steps that are done can be returned to, later ones cannot", () => {
  drawn(
    <Stepper
      steps={[
        { word: "Migration", remark: "", state: "done", to: "/new" },
        { word: "Preflight", remark: "", state: "now", to: "" },
        { word: "Options", remark: "", state: "later", to: "" },
      ]}
    />,
  );
  expect(screen.getAllByRole("link").map((link) => link.textContent)).toEqual(["Migration"]);
  expect(screen.getAllByRole("listitem")[1]).toHaveAttribute("aria-current", "step");
});

describe("checks", () => {
  const checks = [
    { code: "a", name: "legacy_role", state: "passed", message: "may only read" },
    { code: "b", name: "target_pooler", state: "failed", message: "port 6543", fix: "TARGET_URL=…" },
    { code: "c", name: "unmapped", state: "warning", message: "two tables" },
  ] as const;

  test("that failed come first, those that passed are folded", async () => {
    drawn(<CheckList checks={checks} />);
    expect(screen.getAllByRole("listitem").map((item) => item.querySelector("b")?.textContent)).toEqual(["Target pooler", "Unmapped"]);
    await userEvent.click(screen.getByRole("button", { name: "1 check passed" }));
    expect(screen.getAllByRole("listitem")).toHaveLength(3);
  });

  test("that failed have a fix to copy", async () => {
    const user = userEvent.setup();
    drawn(<Fix check={checks[1]} />);
    await user.click(screen.getByRole("button", { name: "Copy the fix" }));
    expect(await navigator.clipboard.readText()).toBe("TARGET_URL=…");
  });
});

test("a search settles before it goes into the address", async () => {
  const change = vi.fn();
  render(<SearchField label="Name or plan" value="" onChange={change} />);
  await userEvent.type(screen.getByRole("searchbox", { name: "Name or plan" }), "bill");
  expect(change).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(change).toHaveBeenCalledWith("bill"));
  expect(change).toHaveBeenCalledOnce();
});

describe("the search of everything", () => {
  const things: Found[] = ["Patient portal", "Billing 2019", "Imaging index"].map((word) => ({
    id: word,
    word,
    remark: "migration",
    icon: "migrations",
    to: `/${word}`,
  }));

  test("finds what holds every word typed", () => {
    expect(matching(things, "por mig").map((thing) => thing.word)).toEqual(["Patient portal"]);
    expect(matching(things, "")).toHaveLength(3);
  });

  test("is used by arrows and enter", async () => {
    const choose = vi.fn();
    render(<CommandSearch open things={things} onChoose={choose} onClose={nothing} />);
    expect(screen.getByRole("combobox")).toHaveFocus();
    await userEvent.keyboard("{ArrowDown}");
    expect(screen.getAllByRole("option")[1]).toHaveAttribute("aria-selected", "true");
    await userEvent.keyboard("{Enter}");
    expect(choose).toHaveBeenCalledWith("/Billing 2019");
  });
});
