import { useEffect, useRef } from "react";
import { usePreferences } from "../shell/preferences";

/** Keys and what they do: "n", "?", "g m" (one after the other), "mod+Enter". One that gives false leaves the key to the browser. */
export type KeyMap = Readonly<Record<string, (() => unknown) | undefined>>;

const SEQUENCE_MS = 1000;
/** Keys that begin a pair. What follows one is no key of its own, whichever part of the page listens for it. */
const LEADERS: ReadonlySet<string> = new Set(["g"]);
/** Keys that may be held down. */
const HELD: ReadonlySet<string> = new Set(["j", "k", "ArrowDown", "ArrowUp"]);
/** What takes the keys while it is open. */
const OVER = ["[role=dialog][data-state=open]", "[role=alertdialog]", "[role=menu][data-state=open]", "[role=listbox][data-state=open]"].join();

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [role=combobox]"))
  );
}

function named(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return event.metaKey || event.ctrlKey ? `mod+${key}` : key;
}

/** Listens to keys while the page shows. Off while typing, under a dialog or a menu, and where the reader switched keys off. */
export function useKeys(map: KeyMap): void {
  const enabled = usePreferences((state) => state.keys);
  const current = useRef(map);
  useEffect(() => {
    current.current = map;
  });
  useEffect(() => {
    if (!enabled) return;
    let first = "";
    let firstAt = 0;
    const press = (event: KeyboardEvent): void => {
      const key = named(event);
      const modified = key.startsWith("mod+");
      if (event.defaultPrevented || event.altKey || (isTyping(event.target) && !modified)) return;
      if ((event.repeat && !HELD.has(key)) || (document.querySelector(OVER) && key !== "Escape")) return;
      const isSecond = LEADERS.has(first) && event.timeStamp - firstAt < SEQUENCE_MS;
      const act = current.current[isSecond ? `${first} ${key}` : key];
      first = key;
      firstAt = event.timeStamp;
      if (act && act() !== false) event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [enabled]);
}
