import { useSyncExternalStore } from "react";
import { type AuthState, authState, logout } from "../api/auth";
import { onSessionLost } from "../api/client";
import { ApiFailure, asFailure } from "../api/failure";
import { statusStore } from "../live/status";

/** What this browser knows of its session. */
export interface Session {
  /** Where box and browser stand; nothing before the first answer. */
  auth: AuthState | undefined;
  /** Why that is not known. */
  failure: ApiFailure | undefined;
  /** Whether the session ended while a page is open; the page stays, and a dialog asks for the password. */
  expired: boolean;
}

interface Waiting {
  resolve: () => void;
  reject: (reason: unknown) => void;
}

/** The one session of this page. */
export class SessionStore {
  #state: Session = { auth: undefined, failure: undefined, expired: false };
  readonly #listeners = new Set<() => void>();
  #waiting: Waiting[] = [];
  readonly #forget: (() => void)[] = [statusStore.stop];

  readonly state = (): Session => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Asks the box again. */
  readonly refresh = async (): Promise<void> => {
    try {
      const auth = await authState();
      this.#set({ auth, failure: undefined });
      if (auth.phase === "authenticated") this.#continue();
    } catch (thrown) {
      this.#set({ failure: asFailure(thrown) });
    }
  };

  /** Called when somebody leaves: what they typed must not meet who comes next. */
  readonly onLeave = (forget: () => void): void => void this.#forget.push(forget);

  /** A request found the session gone: waits until the operator has signed in again. */
  readonly lost = (signal?: AbortSignal): Promise<void> => {
    const waiting = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
    if (!this.#state.expired) {
      this.#set({ expired: true });
      void this.refresh();
    }
    return waiting;
  };

  /** The operator leaves; what was typed is given up. */
  readonly signOut = async (): Promise<void> => {
    // A box that does not answer cannot end the session; the page says so by still showing it.
    await logout();
    this.#giveUp();
    await this.refresh();
  };

  /** The password is no longer what opens this box, or the operator does not go on. */
  readonly leave = (): void => {
    this.#giveUp();
    void this.refresh();
  };

  #continue(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#set({ expired: false });
    waiting.forEach(({ resolve }) => resolve());
  }

  #giveUp(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#set({ expired: false });
    const reason = new ApiFailure(401, "unauthenticated", "Sign in to the appliance first.");
    waiting.forEach(({ reject }) => reject(reason));
    this.#forget.forEach((forget) => forget());
  }

  #set(part: Partial<Session>): void {
    this.#state = { ...this.#state, ...part };
    this.#listeners.forEach((listener) => listener());
  }
}

export const session = new SessionStore();
onSessionLost(session.lost);

/** The session; the page is drawn anew when it changes. */
export function useSession(): Session {
  return useSyncExternalStore(session.subscribe, session.state);
}
