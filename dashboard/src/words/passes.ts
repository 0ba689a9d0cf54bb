/** The passes of a mapping after the first, by their numbers. */
const WORDS: Readonly<Record<number, string>> = { 2: "pass 2", 3: "removal", 4: "verification", 5: "verification, pass 2" };

/** What a pass after the first is called; nothing for the first. */
export function passWord(pass: number): string {
  return pass > 1 ? (WORDS[pass] ?? `pass ${pass}`) : "";
}
