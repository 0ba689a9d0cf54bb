/** Shares. 100 appears only where the part is the whole, 0 only where there is none: everything between is rounded down. */

/** The share in percent with one decimal, rounded down; 100 only at equality. `whole` 0: 0. */
export function floorPercent(part: number, whole: number): number {
  if (whole <= 0 || part <= 0) return 0;
  if (part >= whole) return 100;
  return Math.min(99.9, Math.floor((part * 1000) / whole) / 10);
}

/** "74.0", "100", "0"; a tiny share to its first digit that is not 0: "0.0007". */
export function percentText(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return "0";
  if (part >= whole) return "100";
  const floored = floorPercent(part, whole);
  if (floored >= 0.1) return floored.toFixed(1);
  const share = (part / whole) * 100;
  const decimals = Math.min(12, Math.ceil(-Math.log10(share)));
  const scale = 10 ** decimals;
  return (Math.max(1, Math.floor(share * scale + 1e-9)) / scale).toFixed(decimals);
}

/** The percentage that the server gave, as it may be shown: 100 only when `complete`. */
export function shownPercent(percentage: number, complete: boolean): string {
  if (complete && percentage >= 100) return "100";
  return Math.min(99.9, Math.floor(Math.max(0, percentage) * 10 + 1e-9) / 10).toFixed(1);
}

/** Width of a segment for CSS. */
export function width(part: number, whole: number): string {
  return whole <= 0 ? "0%" : `${((Math.min(part, whole) / whole) * 100).toFixed(4)}%`;
}
