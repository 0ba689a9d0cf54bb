import type { RefObject } from "react";
import { useKeys } from "./useKeys";

/** J and K, or the arrows, move the focus between the first link or button of each row of a list. */
export function useListKeys(list: RefObject<HTMLElement | null>, rows = "tbody tr"): void {
  const move = (step: number): void => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>(rows) ?? [])].flatMap((row) => {
      const item = row.querySelector<HTMLElement>("a, button");
      return item ? [item] : [];
    });
    const at = items.findIndex((item) => item === document.activeElement);
    items[Math.max(0, Math.min(items.length - 1, at === -1 ? 0 : at + step))]?.focus();
  };
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) });
}
