import { create } from "zustand";
import { useEffect } from "react";

export interface Crumb {
  word: string;
  to?: string;
}

export const useCrumbTrail = create<{ trail: readonly Crumb[] }>()(() => ({ trail: [] }));

/** The way to this page; its last part is the page itself. */
export function useCrumbs(trail: readonly Crumb[]): void {
  const text = JSON.stringify(trail);
  useEffect(() => {
    useCrumbTrail.setState({ trail: JSON.parse(text) as Crumb[] });
  }, [text]);
}
