import { useSyncExternalStore } from "react";
import type { AnswerName, Complaints } from "./answers";

/** What the server said of the answers of the last submission, until they are changed. */
const listeners = new Set<() => void>();
let refused: Complaints = {};

export function setRefused(found: Complaints): void {
  refused = found;
  listeners.forEach((listener) => listener());
}

export function clearRefused(names: readonly AnswerName[]): void {
  if (!names.some((name) => refused[name])) return;
  setRefused(Object.fromEntries(Object.entries(refused).filter(([name]) => !names.includes(name as AnswerName))));
}

export function useRefused(): Complaints {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => refused,
  );
}
