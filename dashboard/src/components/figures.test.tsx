import { render, screen } from "@testing-library/react";
import { describe, expect, test, vi } from "vitest";
import { Ago } from "./Ago";
import { Duration } from "./Duration";
import { Figure } from "./Figure";
import { Icon } from "./Icon";
import { Kbd } from "./Kbd";
import { Live } from "./Live";
import { Mark } from "./Mark";
import { Num } from "./Num";
import { Pct } from "./Pct";
import { Spark } from "./Spark";

describe("formatting lives in four components", () => {
  test("Num groups, writes 0, and marks an estimate and what does not apply", () => {
    const { container } = render(
      <>
        <Num value={290933553} /> <Num value={0} /> <Num value={2040} estimated /> <Num value={null} /> <Num value={38643} asRate />
      </>,
    );
    expect(container).toHaveTextContent("290,933,553 0 about 2,040 – 38,640");
  });

  test("Pct never rounds into 100", () => {
    const { container } = render(<Pct part={99_999} whole={100_000} />);
    expect(container).toHaveTextContent("99.9 %");
  });

  test("Ago is relative up to a day and has the full time in its title", () => {
    vi.useFakeTimers({ now: new Date("2026-11-22T01:47:00Z") });
    render(
      <>
        <Ago at="2026-11-22T01:35:00Z" />
        <Ago at="2026-11-22T00:12:00Z" absolute />
      </>,
    );
    vi.useRealTimers();
    const [relative, absolute] = screen.getAllByRole("time");
    expect(relative).toHaveTextContent("12 min ago");
    expect(relative).toHaveAttribute("datetime", "2026-11-22T01:35:00.000Z");
    expect(relative?.title).toMatch(/22 November 2026/);
    expect(absolute?.textContent).toMatch(/^\d\d:\d\d$/);
  });

  test("Duration reads as a clock or as words", () => {
    const { container } = render(
      <>
        <Duration seconds={7390} /> <Duration seconds={5700} words />
      </>,
    );
    expect(container).toHaveTextContent("2:03:10 1 h 35 min");
  });
});

test("a figure says what it is, its value with its unit, and a remark", () => {
  const { container } = render(<Figure label="Rows settled" value="74.0" unit="%" remark="of 290,933,553" hero />);
  expect(container).toHaveTextContent("Rows settled74.0%of 290,933,553");
});

test("icons, the mark and keys say nothing to a screen reader", () => {
  const { container } = render(
    <>
      <Icon name="play" /> <Mark /> <Kbd>P</Kbd>
    </>,
  );
  for (const part of container.children) expect(part).toHaveAttribute("aria-hidden", "true");
});

test("only a live line breathes, and every state has its word", () => {
  const { container, rerender } = render(<Live state="live" />);
  expect(screen.getByRole("status")).toHaveTextContent("Live");
  expect(container.querySelector(".off")).toBeNull();
  rerender(<Live state="reconnecting" />);
  expect(screen.getByRole("status")).toHaveTextContent("Reconnecting");
  expect(container.querySelector(".off")).not.toBeNull();
});

test("a spark starts at 0 and has words", () => {
  render(<Spark values={[0, 50, 100]} highest={100} label="Busy, last 5 min" />);
  expect(screen.getByRole("img", { name: "Busy, last 5 min" }).firstElementChild).toHaveAttribute("points", "0.0,23.0 48.0,12.0 96.0,1.0");
});
