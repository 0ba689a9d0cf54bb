import { useEffect, useRef } from "react";
import { usePreferences } from "../shell/preferences";

/** Keys and what they do: "n", "?", "g m" (one after the other), "mod+Enter". */
export type KeyMap = Readonly<Record<string, (() => void) | undefined>>;

const SEQUENCE_MS = 1000;

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

/** Listens to keys while the page shows. Off while typing, under a dialog, and where the reader switched keys off. */
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
      if (document.querySelector("[role=dialog][data-state=open], [role=alertdialog]") && key !== "Escape") return;
      const sequence = event.timeStamp - firstAt < SEQUENCE_MS ? `${first} ${key}` : "";
      const act = current.current[sequence] ?? current.current[key];
      first = key;
      firstAt = event.timeStamp;
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [enabled]);
}
