import { useSyncExternalStore } from "react";

/** What the viewer chose; `system` follows the device. Kept in step with `public/theme.js`. */
export type Theme = "system" | "light" | "dark";

const KEY = "alga-theme";
const DARK_CLASS = "pf-v6-theme-dark";
const listeners = new Set<() => void>();
const systemIsDark = window.matchMedia?.("(prefers-color-scheme: dark)");

systemIsDark?.addEventListener("change", () => apply(chosen()));

function chosen(): Theme {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

function apply(theme: Theme): void {
  const dark = theme === "dark" || (theme === "system" && (systemIsDark?.matches ?? false));
  document.documentElement.classList.toggle(DARK_CLASS, dark);
  listeners.forEach((listener) => listener());
}

export function chooseTheme(theme: Theme): void {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage may be forbidden: the choice then holds until the next load.
  }
  apply(theme);
}

/** Whether the page is dark now; the viewer is drawn anew when that changes. */
export function useIsDark(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => document.documentElement.classList.contains(DARK_CLASS),
  );
}
