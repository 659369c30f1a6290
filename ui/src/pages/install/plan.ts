import { useEffect, useState } from "react";
import { type ApiFailure, asFailure } from "../../api/failure";
import { type Plan, plan as readPlan } from "../../api/setup";
import { useStatus } from "../../live/status";

/** How often the plan is read where the status document has none. */
const POLL_MS = 2000;

export interface LivePlan {
  plan: Plan | undefined;
  /** When it came, in milliseconds of this device: what it says of "now" counts from there. */
  received: number;
  failure: ApiFailure | undefined;
}

/** The plan as it is: from the live status, or read every two seconds where that does not hold it. */
export function usePlan(): LivePlan {
  const { document, failure } = useStatus();
  const live = document?.plan ?? undefined;
  const [polled, setPolled] = useState<Plan>();
  const [pollFailure, setPollFailure] = useState<ApiFailure>();
  const polls = document !== undefined && !live;
  useEffect(() => {
    if (!polls) return;
    const closing = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const read = async () => {
      try {
        setPolled(await readPlan(closing.signal));
        setPollFailure(undefined);
      } catch (thrown) {
        if (!closing.signal.aborted) setPollFailure(asFailure(thrown));
      }
      if (!closing.signal.aborted) timer = setTimeout(() => void read(), POLL_MS);
    };
    void read();
    return () => {
      closing.abort();
      clearTimeout(timer);
    };
  }, [polls]);
  const plan = live ?? polled;
  return { plan, received: useReceived(plan), failure: plan ? undefined : (pollFailure ?? failure) };
}

function useReceived(plan: Plan | undefined): number {
  const [seen, setSeen] = useState({ plan, at: Date.now() });
  if (seen.plan !== plan) {
    const now = { plan, at: Date.now() };
    setSeen(now);
    return now.at;
  }
  return seen.at;
}
