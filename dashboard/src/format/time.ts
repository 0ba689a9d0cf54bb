/** Times in the reader's zone, 24 hours; durations as a clock would count them. */

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const SECONDS = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DAY_YEAR = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const FULL = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** The zone's distance from UTC, said once per page: "UTC+1". */
export function zone(at: Date = new Date()): string {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "shortOffset" }).formatToParts(at);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "UTC";
  return name.replace("GMT", "UTC");
}

/** 01:46 */
export function clock(at: Date): string {
  return CLOCK.format(at);
}

/** 01:46:52 */
export function clockSeconds(at: Date): string {
  return SECONDS.format(at);
}

/** 22 November 2026 at 00:12:00 UTC+1, for titles. */
export function full(at: Date): string {
  return `${FULL.format(at)} ${zone(at)}`;
}

function sameDay(one: Date, other: Date): boolean {
  return one.toDateString() === other.toDateString();
}

/** Today the clock alone, else with the date: "02:24", "20 Nov, 03:11", "20 Nov 2025, 03:11". */
export function when(at: Date, now: Date): string {
  if (sameDay(at, now)) return clock(at);
  return `${(at.getFullYear() === now.getFullYear() ? DAY : DAY_YEAR).format(at)}, ${clock(at)}`;
}

/** A span in words: "12 s", "39 min", "1 h 35 min", "9 days 4 h". */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return `${days} ${days === 1 ? "day" : "days"}${hours % 24 === 0 ? "" : ` ${hours % 24} h`}`;
}

/** "12 s ago" up to a day, then the time itself; what is not past yet is "now". */
export function ago(at: Date, now: Date): string {
  const seconds = (now.getTime() - at.getTime()) / 1000;
  if (seconds < 1) return "now";
  return seconds < 86_400 ? `${span(seconds)} ago` : when(at, now);
}

/** 0:41, 4:19, 2:03:10. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** What remains, with its width: "in 39 min, give or take 6"; never 0. Without a slow end it says so. */
export function remaining(seconds: number, p10: number, p90: number | null): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "any moment now";
  const within = `in ${span(minutes * 60)}`;
  if (p90 === null) return `${within}, or much later: rows hardly move`;
  const give = Math.round(Math.abs(p90 - p10) / 2 / 60);
  return give < 1 ? within : `${within}, give or take ${give < 60 ? give : span(give * 60)}`;
}
