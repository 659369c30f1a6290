import { useSyncExternalStore } from "react";
import { session } from "../../session/session";
import { type Answers, keepable, restored } from "./answers";

/**
 * What was typed, for as long as this page is open: it survives going to the checks, to the install and
 * back. Another load of the page finds everything but the secrets.
 */
const KEY = "alga-setup-answers";
const listeners = new Set<() => void>();
let answers: Answers | undefined;

/** What was typed, else what was kept, else `base`. */
export function openAnswers(base: Answers): void {
  if (answers) return;
  answers = restored(storage()?.getItem(KEY) ?? null, base);
  tell();
}

export function changeAnswers(part: Partial<Answers>): void {
  if (!answers) return;
  answers = { ...answers, ...part };
  storage()?.setItem(KEY, keepable(answers));
  tell();
}

/** After the install, or when somebody signs out. */
export function forgetAnswers(): void {
  answers = undefined;
  storage()?.removeItem(KEY);
  tell();
}

export function useAnswers(): Answers | undefined {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => answers,
  );
}

function tell(): void {
  listeners.forEach((listener) => listener());
}

/** Storage may be forbidden; then nothing is kept for another load. */
function storage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

session.onLeave(forgetAnswers);
