import { useCallback, useEffect, useRef, useState } from "react";
import { ApiFailure, asFailure } from "../../api/failure";
import { type Preflight, runPreflight } from "../../api/setup";

export interface Checking {
  preflight: Preflight | undefined;
  failure: ApiFailure | undefined;
  busy: boolean;
  /** Checks now; the last result stays on the page until the new one is there. */
  run: (answers: Record<string, unknown>) => Promise<void>;
}

/** How often a run of somebody else is waited for. */
const MOST_WAITS = 10;

/** Runs the checks when the page opens, and whenever it is asked to. */
export function usePreflight(first: Record<string, unknown>): Checking {
  const [preflight, setPreflight] = useState<Preflight>();
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(true);
  const running = useRef<AbortController>(undefined);
  const run = useCallback(async (answers: Record<string, unknown>) => {
    running.current?.abort();
    const mine = new AbortController();
    running.current = mine;
    setBusy(true);
    setFailure(undefined);
    try {
      setPreflight(await afterOthers(answers, mine.signal));
    } catch (thrown) {
      if (!mine.signal.aborted) setFailure(asFailure(thrown));
    }
    if (!mine.signal.aborted) setBusy(false);
  }, []);
  const opening = useRef(first);
  useEffect(() => {
    void run(opening.current);
    return () => running.current?.abort();
  }, [run]);
  return { preflight, failure, busy, run };
}

/** Two windows may check at once: the second waits for the first, then checks with its own answers. */
async function afterOthers(answers: Record<string, unknown>, signal: AbortSignal): Promise<Preflight> {
  for (let waits = 0; ; waits += 1) {
    try {
      return await runPreflight(answers, signal);
    } catch (thrown) {
      const others = thrown instanceof ApiFailure && thrown.code === "preflight_running";
      if (!others || waits >= MOST_WAITS) throw thrown;
      await pause((thrown.retryAfter ?? 3) * 1000, signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
