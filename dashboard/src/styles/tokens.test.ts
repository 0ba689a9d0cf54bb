import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** WCAG 2.2 AA: text needs 4.5 (1.4.3), what must be seen but is not text needs 3 (1.4.11), in both themes. */

const STATES = ["pending", "planning", "running", "paused", "finishing", "completed", "failed", "cancelled", "rolled-back"];
const OUTCOMES = ["loaded", "updated", "unchanged", "merged", "filtered", "quarantined", "deleted", "different", "unaccounted"];
const GROUNDS = ["canvas", "surface", "raised", "hover", "selected"];

const css = readFileSync("src/styles/tokens.css", "utf8");
const tokens = new Map<string, readonly [string, string]>();
for (const [, name = "", light = "", dark = ""] of css.matchAll(/--([\w-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g))
  tokens.set(name, [light, dark]);
for (const [, name = "", other = ""] of css.matchAll(/--([\w-]+):\s*var\(--([\w-]+)\)/g)) {
  const found = tokens.get(other);
  if (found) tokens.set(name, found);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const channel = parseInt(colour.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(front: string, ground: string, theme: 0 | 1): number {
  const [one, other] = [front, ground].map((name) => {
    const found = tokens.get(name);
    if (!found) throw new Error(`no token ${name}`);
    return luminance(found[theme]) + 0.05;
  });
  return one === undefined || other === undefined ? 0 : Math.max(one, other) / Math.min(one, other);
}

function* pairs(): Generator<readonly [string, string, number]> {
  for (const ground of GROUNDS) {
    for (const ink of ["ink", "ink-2", "ink-3", "link"]) yield [ink, ground, 4.5];
    for (const mark of ["focus", "control"]) yield [mark, ground, 3];
  }
  yield ["on-ink", "ink", 4.5];
  yield ["ink-2", "sunken", 4.5];
  for (const name of [...STATES, ...OUTCOMES]) {
    for (const ground of [`${name}-tint`, ...GROUNDS]) yield [`${name}-ink`, ground, 4.5];
    for (const ground of ["canvas", "surface", "raised", `${name}-tint`]) yield [name, ground, 3];
    yield ["ink", `${name}-tint`, 4.5];
  }
}

test("every pair of colours that may meet keeps its contrast in both themes", () => {
  const all = [...pairs()];
  const short = all.flatMap(([front, ground, least]) =>
    ([0, 1] as const)
      .filter((theme) => contrast(front, ground, theme) < least)
      .map((theme) => `${front} on ${ground}, ${theme === 0 ? "light" : "dark"}`),
  );
  expect(short).toEqual([]);
  expect(all).toHaveLength(230);
});

test("no class of Tailwind's own palette, and no dark variant, is in the sources", () => {
  const theme = readFileSync("src/styles/theme.css", "utf8");
  expect(theme).toContain("--color-*: initial");
  const sources = import.meta.glob<string>("../**/*.tsx", { query: "?raw", import: "default", eager: true });
  for (const [path, text] of Object.entries(sources)) expect(text, path).not.toMatch(/\bdark:|\b(bg|text|border)-(red|green|blue|gray|slate|amber)-\d/);
});
