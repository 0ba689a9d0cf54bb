/** Numbers as the pages write them: in full and grouped, never rounded into something that is not true. */

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** 290,933,553 */
export function grouped(value: number): string {
  return GROUPED.format(value);
}

/** A rate to four figures: 38,640 or 9.12; below a thousandth of a row it is 0. */
export function rate(value: number): string {
  if (value >= 1000) return GROUPED.format(Number(value.toPrecision(4)));
  if (value < 0.001) return "0";
  return String(Number(value.toPrecision(value >= 100 ? 4 : 3)));
}

/** A tick of an axis: 40k, 1.5M. */
export function tick(value: number): string {
  if (value >= 1_000_000) return `${value / 1_000_000}M`;
  return value >= 1000 ? `${value / 1000}k` : String(value);
}

/** Bytes with their unit: 118 MiB. */
export function bytes(value: number): { value: string; unit: string } {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let shown = value;
  let unit = 0;
  while (shown >= 1024 && unit < units.length - 1) {
    shown /= 1024;
    unit += 1;
  }
  return { value: shown >= 10 || unit === 0 ? String(Math.round(shown)) : shown.toFixed(1), unit: units[unit] ?? "B" };
}

/** "1 row", "214 rows". */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${grouped(value)} ${value === 1 ? one : many}`;
}
