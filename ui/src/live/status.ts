import { useSyncExternalStore } from "react";
import { isSignedOut, get } from "../api/client";
import { ApiFailure, asFailure } from "../api/failure";
import type { StatusDocument } from "../api/status";
import { merge } from "./merge";
import type { StreamItem } from "./sse";
import { readStream } from "./stream";

/** How the page hears of changes: by the stream, by asking now and then, or not at all just now. */
export type Connection = "connecting" | "live" | "polling" | "lost";

export interface LiveStatus {
  document: StatusDocument | undefined;
  connection: Connection;
  /** When the appliance last said something. */
  lastSeen: Date | undefined;
  /** Why there is no document, or no newer one. */
  failure: ApiFailure | undefined;
}

const POLL_MS = 15_000;
/** How many readings until the stream is tried again where it was refused. */
const POLLS_BEFORE_STREAM = 4;
const BACKOFF_MS = [500, 1000, 2000, 5000, 10_000];
/** A page that is left for another keeps the stream for so long. */
const LINGER_MS = 5_000;

/** The newest status document, kept up to date while somebody looks at it. */
export class StatusStore {
  #state: LiveStatus = { document: undefined, connection: "connecting", lastSeen: undefined, failure: undefined };
  readonly #listeners = new Set<() => void>();
  #running: AbortController | undefined;
  #lingering: ReturnType<typeof setTimeout> | undefined;
  #lastEventId: string | undefined;
  #wake: (() => void) | undefined;

  readonly state = (): LiveStatus => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    clearTimeout(this.#lingering);
    if (!this.#running) this.#start();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#lingering = setTimeout(() => this.stop(), LINGER_MS);
    };
  };

  /** Forgets everything: somebody else may sign in. */
  readonly stop = (): void => {
    this.#running?.abort();
    this.#running = undefined;
    this.#lastEventId = undefined;
    this.#set({ document: undefined, connection: "connecting", lastSeen: undefined, failure: undefined });
  };

  /** Tries at once instead of when the wait is over. */
  readonly tryNow = (): void => this.#wake?.();

  #start(): void {
    const running = new AbortController();
    this.#running = running;
    window.addEventListener("online", this.tryNow, { signal: running.signal });
    document.addEventListener("visibilitychange", () => !document.hidden && this.tryNow(), { signal: running.signal });
    void this.#run(running.signal);
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failed = 0; !signal.aborted; ) {
      try {
        await this.#follow(signal);
        failed = 0;
      } catch (thrown) {
        if (signal.aborted) return;
        const failure = asFailure(thrown);
        // The stream's own silence and a refused connection look alike: not reached.
        this.#set({ connection: "lost", failure });
        failed += 1;
      }
      const wait = BACKOFF_MS[Math.min(failed, BACKOFF_MS.length - 1)] ?? POLL_MS;
      await this.#pause(wait, signal);
    }
  }

  /** By the stream until it ends, or by asking where there is none. Throws when nothing answers. */
  async #follow(signal: AbortSignal): Promise<void> {
    try {
      await readStream("/api/status/stream", { signal, lastEventId: this.#lastEventId, onOpen: this.#opened, onItem: this.#item });
    } catch (thrown) {
      if (signal.aborted || !(thrown instanceof ApiFailure) || thrown.status === 0) throw thrown;
      if (isSignedOut(thrown)) await this.#ask(signal);
      else await this.#poll(signal);
    }
  }

  async #poll(signal: AbortSignal): Promise<void> {
    for (let polls = 0; polls < POLLS_BEFORE_STREAM && !signal.aborted; polls += 1) {
      await this.#ask(signal);
      this.#set({ connection: "polling" });
      await this.#pause(POLL_MS, signal);
    }
  }

  /** One reading; asks to sign in again when the session is gone. */
  async #ask(signal: AbortSignal): Promise<void> {
    const document = await get<StatusDocument>("/api/status", { signal });
    this.#lastEventId = undefined;
    this.#set({ document, lastSeen: new Date(), failure: undefined });
  }

  readonly #opened = (): void => this.#set({ connection: "live", lastSeen: new Date(), failure: undefined });

  readonly #item = (item: StreamItem): void => {
    if (item.kind !== "event") return this.#set({ lastSeen: new Date() });
    this.#lastEventId = item.id ?? this.#lastEventId;
    const document = merge(this.#state.document, item.event, JSON.parse(item.data));
    this.#set({ document, lastSeen: new Date() });
  };

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
      signal.addEventListener("abort", done);
    });
  }

  #set(part: Partial<LiveStatus>): void {
    this.#state = { ...this.#state, ...part };
    this.#listeners.forEach((listener) => listener());
  }
}

export const statusStore = new StatusStore();

/** The live status; the page is drawn anew when it changes. */
export function useStatus(): LiveStatus {
  return useSyncExternalStore(statusStore.subscribe, statusStore.state);
}
