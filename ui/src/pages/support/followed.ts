import { useEffect, useState } from "react";
import { type ApiFailure, asFailure } from "../../api/failure";
import { type BundleJob, bundleJob } from "../../api/support";

/** How often a bundle that is being made is asked for, in milliseconds. */
const EVERY = 1000;

/** A job until its end, one request at a time. */
export function useFollowed(id: string | undefined, onEnd: () => void): { job: BundleJob | undefined; failure: ApiFailure | undefined } {
  const [job, setJob] = useState<BundleJob>();
  const [failure, setFailure] = useState<ApiFailure>();
  useEffect(() => {
    if (!id) return;
    const closing = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const told = await bundleJob(id, closing.signal);
        if (closing.signal.aborted) return;
        setJob(told);
        setFailure(undefined);
        if (told.state !== "running") return onEnd();
      } catch (thrown) {
        if (closing.signal.aborted) return;
        const failed = asFailure(thrown);
        setFailure(failed);
        // The control plane was started anew: nobody makes it any more.
        if (failed.status === 404) {
          setJob(undefined);
          return onEnd();
        }
      }
      timer = setTimeout(() => void look(), EVERY);
    };
    void look();
    return () => {
      closing.abort();
      clearTimeout(timer);
    };
  }, [id, onEnd]);
  return { job, failure };
}
