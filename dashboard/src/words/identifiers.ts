/** The first part of a UUID: enough for people to tell runs apart on a page. */
export function shortId(id: string): string {
  return id.slice(0, 8);
}

/** "row_security" as words: "Row security". */
export function spoken(name: string): string {
  const words = name.replaceAll("_", " ").replaceAll(".", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

const DEFAULT = "default";

/** The two connections of a migration; where an installation has one pair only, what they are. */
export function connections({ source, target }: { source: string; target: string }): string {
  return source === DEFAULT && target === DEFAULT ? "legacy → target" : `${source} → ${target}`;
}
