import { useCallback, useEffect, useRef, useState } from "react";
import { isSignedOut } from "../../api/client";
import { type ApiFailure, asFailure } from "../../api/failure";
import { log, logPath, type LogQuery } from "../../api/workloads";
import type { StreamItem } from "../../live/sse";
import { readStream } from "../../live/stream";
import { append, type Lines, linesOf, noLines, plain } from "./lines";

/** A log on the page. */
export interface Followed {
  lines: Lines;
  /** `still` was read once; `ended` is one whose container has ended. */
  state: "loading" | "following" | "still" | "ended" | "failed";
  failure: ApiFailure | undefined;
  /** The appliance left older lines out because they were too large together. */
  isCut: boolean;
  /** Reads it anew. */
  again: () => void;
}

/** Lines that come quickly are drawn together. */
const TOGETHER_MS = 60;

/** Reads a log, and goes on reading while `follow` holds. */
export function useLog(query: LogQuery, follow: boolean): Followed {
  const [shown, setShown] = useState<Omit<Followed, "again">>({ lines: noLines, state: "loading", failure: undefined, isCut: false });
  const [attempt, setAttempt] = useState(0);
  const wanted = logPath(query, false);
  const read = useRef("");
  useEffect(() => {
    const key = `${wanted} ${attempt}`;
    // Following was ended: what was read stays.
    if (!follow && read.current === key) {
      setShown((before) => (before.state === "following" ? { ...before, state: "still" } : before));
      return;
    }
    const closing = new AbortController();
    setShown({ lines: noLines, state: "loading", failure: undefined, isCut: false });
    const show: Show = (change) => {
      read.current = key;
      setShown(change);
    };
    const reading = follow ? stream(query, closing.signal, show) : once(query, closing.signal, show);
    reading.catch((thrown: unknown) => {
      if (!closing.signal.aborted) setShown((before) => ({ ...before, state: "failed", failure: asFailure(thrown) }));
    });
    return () => closing.abort();
    // The path stands for the query.
  }, [wanted, follow, attempt]);
  return { ...shown, again: useCallback(() => setAttempt((before) => before + 1), []) };
}

type Show = (change: (before: Omit<Followed, "again">) => Omit<Followed, "again">) => void;

async function once(query: LogQuery, signal: AbortSignal, show: Show): Promise<void> {
  const { lines, truncated } = await log(query, signal);
  show(() => ({ lines: append(noLines, lines.map(plain)), state: "still", failure: undefined, isCut: truncated ?? false }));
}

async function stream(query: LogQuery, signal: AbortSignal, show: Show): Promise<void> {
  const batch = new Batch((lines) => show((before) => ({ ...before, lines: append(before.lines, lines) })));
  let ended = "failed";
  const onItem = (item: StreamItem) => {
    if (item.kind !== "event") return;
    if (item.event === "line") batch.add(linesOf(item.data));
    if (item.event === "end") ended = (JSON.parse(item.data) as { reason: string }).reason;
  };
  const onOpen = () => show((before) => ({ ...before, state: "following" }));
  try {
    await readStream(logPath(query, true), { signal, onOpen, onItem });
  } catch (thrown) {
    if (!isSignedOut(thrown)) throw thrown;
    ended = "signed_out";
  } finally {
    batch.flush();
  }
  if (signal.aborted) return;
  // One plain request asks for the password, and shows what came meanwhile.
  if (ended === "signed_out") return once(query, signal, show);
  show((before) => ({ ...before, state: ended === "ended" ? "ended" : "failed" }));
}

/** Holds what comes within a moment. */
class Batch {
  #held: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #show: (lines: string[]) => void;

  constructor(show: (lines: string[]) => void) {
    this.#show = show;
  }

  add(lines: string[]): void {
    this.#held.push(...lines);
    this.#timer ??= setTimeout(() => this.flush(), TOGETHER_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#held.length === 0) return;
    this.#show(this.#held);
    this.#held = [];
  }
}
