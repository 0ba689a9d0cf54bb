import { describe, expect, test } from "vitest";
import { bytes, counted, grouped, rate, tick } from "./number";
import { floorPercent, percentText, shownPercent, width } from "./percent";
import { ago, duration, full, remaining, span, when } from "./time";

describe("percentages", () => {
  test("100 appears only where the part is the whole", () => {
    expect(percentText(290_933_552, 290_933_553)).toBe("99.9");
    expect(percentText(290_933_553, 290_933_553)).toBe("100");
    expect(shownPercent(100, false)).toBe("99.9");
    expect(shownPercent(100, true)).toBe("100");
  });

  test("shares are rounded down, never up", () => {
    expect(percentText(7_499, 10_000)).toBe("74.9");
    for (let part = 0; part < 3000; part += 1) expect(Math.round(floorPercent(part, 3000) * 10) * 3000).toBeLessThanOrEqual(part * 1000);
  });

  test("a tiny share is given to its first digit that is not 0", () => {
    expect(percentText(1_902, 290_933_553)).toBe("0.0006");
    expect(percentText(1, 290_933_553)).toBe("0.0000003");
    expect(percentText(0, 290_933_553)).toBe("0");
  });

  test("of nothing every share is 0", () => {
    expect(percentText(0, 0)).toBe("0");
    expect(width(0, 0)).toBe("0%");
  });
});

describe("numbers", () => {
  test("are grouped and in full", () => expect(grouped(290_933_553)).toBe("290,933,553"));
  test("rates have four figures", () => {
    expect(rate(38_643.7)).toBe("38,640");
    expect(rate(9.1234)).toBe("9.12");
    expect(rate(0)).toBe("0");
  });
  test("axes are short", () => expect([tick(0), tick(40_000), tick(1_500_000)]).toEqual(["0", "40k", "1.5M"]));
  test("bytes have their unit", () => expect(bytes(124_000_000)).toEqual({ value: "118", unit: "MiB" }));
  test("one row is not rows", () => expect([counted(1, "row"), counted(214, "row")]).toEqual(["1 row", "214 rows"]));
});

describe("times", () => {
  const now = new Date(2026, 10, 22, 1, 47);

  test("durations read as a clock", () => expect([41, 259, 7390].map(duration)).toEqual(["0:41", "4:19", "2:03:10"]));
  test("spans read as words", () => expect([12, 2340, 5700, 792_000].map(span)).toEqual(["12 s", "39 min", "1 h 35 min", "9 days 4 h"]));
  test("today the clock alone, else with the date", () => {
    expect(when(new Date(2026, 10, 22, 0, 12), now)).toBe("00:12");
    expect(when(new Date(2026, 10, 20, 3, 11), now)).toBe("20 Nov, 03:11");
    expect(when(new Date(2025, 10, 20, 3, 11), now)).toBe("20 Nov 2025, 03:11");
  });
  test("relative up to a day", () => {
    expect(ago(new Date(now.getTime() - 720_000), now)).toBe("12 min ago");
    expect(ago(new Date(now.getTime() - 90_000_000), now)).toBe("21 Nov, 00:47");
    expect(ago(new Date(now.getTime() + 5000), now)).toBe("now");
  });
  test("an ETA never says 0", () => {
    expect(remaining(0, 0, 0)).toBe("any moment now");
    expect(remaining(29, 20, 40)).toBe("any moment now");
    expect(remaining(2340, 1980, 2700)).toBe("in 39 min, give or take 6");
    expect(remaining(2340, 1980, null)).toContain("hardly move");
  });
  test("the full time names its zone", () => expect(full(now)).toMatch(/22 November 2026.*01:47:00 UTC/));
});
