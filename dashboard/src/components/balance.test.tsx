import { render, screen, within } from "@testing-library/react";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { counts } from "../../tests/fixtures";
import { drawn } from "../../tests/page";
import { OUTCOMES } from "../words/states";
import { BalanceBar } from "./BalanceBar";
import { BalanceEquation } from "./BalanceEquation";
import { BalanceScale, lensParts } from "./BalanceScale";
import { OutcomeMark } from "./OutcomeMark";

const OF_A_RUN = counts({ loaded: 151_552_705, merged: 7_498, filtered: 139_371_448, quarantined: 1_902 });

describe("the bar of a balance", () => {
  test("shows outcomes in the one order, and leaves out those of 0", () => {
    const { container } = render(<BalanceBar counts={OF_A_RUN} total={OF_A_RUN.read} label="Rows" />);
    expect([...container.querySelectorAll("i")].map((part) => part.className)).toEqual(["loaded", "merged", "filtered", "quarantined"]);
  });

  test("a segment that is not zero is at least 2 px wide", () => {
    const css = readFileSync("src/styles/outcomes.css", "utf8");
    expect(/\.meter > i \{[^}]*min-width: 2px/.test(css)).toBe(true);
    const { container } = render(<BalanceBar counts={OF_A_RUN} total={OF_A_RUN.read} label="Rows" />);
    expect(container.querySelector(".quarantined")).toHaveStyle({ width: "0.0007%" });
  });

  test("a live bar is a progressbar that is 100 only when every row is settled", () => {
    const { rerender } = render(<BalanceBar counts={counts({ loaded: 999_999 })} total={1_000_000} live label="Rows settled" />);
    expect(screen.getByRole("progressbar", { name: "Rows settled" })).toHaveAttribute("aria-valuenow", "99.9");
    rerender(<BalanceBar counts={counts({ loaded: 1_000_000 })} total={1_000_000} live label="Rows settled" />);
    expect(screen.getByRole("progressbar")).toHaveAttribute("aria-valuenow", "100");
  });

  test("what is in flight follows what is settled and leaves room for what is not read", () => {
    const { container } = render(<BalanceBar counts={counts({ loaded: 50 })} total={200} inFlight={50} label="Rows" />);
    expect([...container.querySelectorAll("i")].map((part) => part.style.width)).toEqual(["25%", "25%"]);
  });
});

describe("the equation of a balance", () => {
  test("writes unaccounted out, above all when it is 0", () => {
    render(<BalanceEquation counts={OF_A_RUN} unaccounted={0} />);
    const equation = screen.getByRole("group", { name: "Balance" });
    expect(equation).toHaveTextContent("290,933,553read=151,552,705loaded+7,498merged+139,371,448filtered+1,902quarantined0unaccounted");
  });

  test("outcomes of a differential run appear where they are not 0", () => {
    render(<BalanceEquation counts={counts({ loaded: 1, unchanged: 5 })} unaccounted={0} />);
    expect(screen.getByText("unchanged")).toBeInTheDocument();
    expect(screen.queryByText("updated")).toBeNull();
  });

  test("what an undo removed and what a comparison found appear, each in its shape and colour", () => {
    const { container } = render(<BalanceEquation counts={counts({ deleted: 3, different: 1 })} unaccounted={0} />);
    expect(screen.getByRole("group", { name: "Balance" })).toHaveTextContent("4read=0loaded+0merged+0filtered+0quarantined+3deleted+1different");
    expect(container.querySelector(".mark.deleted")).not.toBeNull();
    expect(container.querySelector(".term.different")).not.toBeNull();
  });

  test("a row that nothing explains is red", () => {
    const { container } = render(<BalanceEquation counts={OF_A_RUN} unaccounted={3} />);
    expect(container.querySelector(".failed")).toHaveTextContent("3unaccounted");
  });
});

describe("the scale of a balance", () => {
  const reasons = [5, 803, 417, 361, 214, 58, 44].map((rows) => ({ label: `reason ${rows}`, rows, to: `/r/${rows}` }));

  test("magnifies the quarantined end by reason, says by how much, and loses no row", () => {
    drawn(<BalanceScale counts={OF_A_RUN} snapshotRows={OF_A_RUN.read} reasons={reasons} quarantine="/q" />);
    expect(screen.getByText(/magnified 152,961 times/)).toBeInTheDocument();
    expect(screen.getAllByRole("link").map((link) => link.textContent)).toEqual([
      "803reason 803",
      "417reason 417",
      "361reason 361",
      "214reason 214",
      "107others",
    ]);
    expect(lensParts(reasons, "/q").reduce((sum, part) => sum + part.rows, 0)).toBe(1902);
  });

  test("without refused rows there is no lens", () => {
    const { container } = drawn(<BalanceScale counts={counts({ loaded: 5 })} snapshotRows={5} reasons={[]} quarantine="/q" />);
    expect(within(container).queryAllByRole("link")).toEqual([]);
  });
});

test("outcomes are told by shape and word too, never by colour alone", () => {
  const css = readFileSync("src/styles/outcomes.css", "utf8");
  for (const shaped of ["merged", "filtered", "quarantined"]) expect(css).toContain(`.${shaped}.mark::before`);
  for (const outcome of OUTCOMES) {
    const { unmount } = render(<OutcomeMark outcome={outcome}>{outcome}</OutcomeMark>);
    expect(screen.getByText(outcome)).toHaveClass("mark", outcome);
    unmount();
  }
});
