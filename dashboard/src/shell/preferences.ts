import { create } from "zustand";

export type Theme = "system" | "light" | "dark";

interface Preferences {
  theme: Theme;
  keys: boolean;
  setTheme: (theme: Theme) => void;
  setKeys: (keys: boolean) => void;
}

const THEME = "transfuse.theme";
const KEYS = "transfuse.keys";

/** Two choices of this browser's reader; nothing else is ever kept here. */
function kept(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function keep(name: string, value: string): void {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing forgets the choice with the page.
  }
}

function show(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

const found = kept(THEME);
const first: Theme = found === "light" || found === "dark" ? found : "system";
show(first);

/** Theme and keys, as the reader chose. */
export const usePreferences = create<Preferences>()((set) => ({
  theme: first,
  keys: kept(KEYS) !== "off",
  setTheme: (theme) => {
    keep(THEME, theme);
    show(theme);
    set({ theme });
  },
  setKeys: (keys) => {
    keep(KEYS, keys ? "on" : "off");
    set({ keys });
  },
}));
