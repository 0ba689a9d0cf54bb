/** The share of rows, between 0 and 1, that somebody wrote in percent; null where it is none. */
export function sampleOf(percent: string): number | null {
  const value = /^\d{1,3}([.,]\d{1,4})?$/.test(percent.trim()) ? Number(percent.trim().replace(",", ".")) : Number.NaN;
  return value > 0 && value < 100 ? Number((value / 100).toFixed(6)) : null;
}
