import { useCallback, useEffect, useState } from "react";
import { type ApiFailure, asFailure } from "../api/failure";

/** What a request brought, or is about to. */
export interface Requested<T> {
  data: T | undefined;
  failure: ApiFailure | undefined;
  /** Asks again; what is there stays until the answer comes. */
  reload: () => Promise<void>;
}

/** Asks when the page opens, and ends the request when it closes. `load` must keep its identity. */
export function useRequest<T>(load: (signal?: AbortSignal) => Promise<T>): Requested<T> {
  const [data, setData] = useState<T>();
  const [failure, setFailure] = useState<ApiFailure>();
  const reload = useCallback(
    async (signal?: AbortSignal) => {
      try {
        const loaded = await load(signal);
        if (signal?.aborted) return;
        setData(loaded);
        setFailure(undefined);
      } catch (thrown) {
        if (!signal?.aborted) setFailure(asFailure(thrown));
      }
    },
    [load],
  );
  useEffect(() => {
    const closing = new AbortController();
    void reload(closing.signal);
    return () => closing.abort();
  }, [reload]);
  return { data, failure, reload: useCallback(() => reload(), [reload]) };
}
