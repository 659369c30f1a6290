import { useState } from "react";
import { type ApiFailure, asFailure } from "../../api/failure";
import { useNow } from "../../components/now";

/** An attempt to come in: whether it runs, why the last one failed, and how long one is locked out. */
export interface Attempt {
  busy: boolean;
  failure: ApiFailure | undefined;
  /** Seconds until another attempt is taken; 0 when it is. */
  lockedFor: number;
  /** Makes one; resolves to whether it succeeded. */
  run: (attempt: () => Promise<unknown>) => Promise<boolean>;
}

export function useAttempt(): Attempt {
  const now = useNow();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const [until, setUntil] = useState(0);
  const run = async (attempt: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await attempt();
      setFailure(undefined);
      return true;
    } catch (thrown) {
      const failed = asFailure(thrown);
      setFailure(failed);
      setUntil(failed.status === 429 ? Date.now() + (failed.retryAfter ?? 0) * 1000 : 0);
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, lockedFor: Math.max(0, Math.ceil((until - now.getTime()) / 1000)), run };
}
