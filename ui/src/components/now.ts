import { useSyncExternalStore } from "react";

/** One clock for all that shows a time: it ticks each second while somebody looks. */
const listeners = new Set<() => void>();
let now = new Date();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    now = new Date();
    listeners.forEach((each) => each());
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, anew each second. */
export function useNow(): Date {
  return useSyncExternalStore(subscribe, () => {
    // While nobody listened it stood still.
    if (!timer) now = new Date();
    return now;
  });
}
