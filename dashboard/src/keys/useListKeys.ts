import type { RefObject } from "react";
import { useKeys } from "./useKeys";

/** J and K move the focus between the first link or button of each row of a list; the arrows, too, once it is there: elsewhere they scroll. */
export function useListKeys(list: RefObject<HTMLElement | null>, rows = "tbody tr"): void {
  const move = (step: number): void => {
    const items = [...(list.current?.querySelectorAll<HTMLElement>(rows) ?? [])].flatMap((row) => {
      const item = row.querySelector<HTMLElement>("a, button");
      return item ? [item] : [];
    });
    const at = items.findIndex((item) => item === document.activeElement);
    items[Math.max(0, Math.min(items.length - 1, at === -1 ? 0 : at + step))]?.focus();
  };
  const arrow = (step: number): boolean => {
    if (!list.current?.contains(document.activeElement)) return false;
    move(step);
    return true;
  };
  useKeys({ j: () => move(1), k: () => move(-1), ArrowDown: () => arrow(1), ArrowUp: () => arrow(-1) });
}
