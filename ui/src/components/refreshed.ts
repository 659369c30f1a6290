import { useEffect, useRef } from "react";
import { type Requested, useRequest } from "./request";

/**
 * Asks when the page opens and every `seconds` from then on, one request at a time and only while the page
 * is looked at. `load` must keep its identity.
 */
export function useRefreshed<T>(load: (signal?: AbortSignal) => Promise<T>, seconds: number): Requested<T> {
  const { data, failure, reload } = useRequest(load);
  const asking = useRef(false);
  useEffect(() => {
    const again = async () => {
      if (document.hidden || asking.current) return;
      asking.current = true;
      await reload();
      asking.current = false;
    };
    const timer = setInterval(() => void again(), seconds * 1000);
    const shown = () => void again();
    document.addEventListener("visibilitychange", shown);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [reload, seconds]);
  return { data, failure, reload };
}
