import { exact, parseTime, relative } from "../text/time";
import { useNow } from "./now";

/** A time in words, in the viewer's zone, with the exact one behind it. */
export function Moment({ at }: { at: string | null | undefined }) {
  const now = useNow();
  const time = parseTime(at);
  if (!time) return <>at an unknown time</>;
  return (
    <time dateTime={time.toISOString()} title={exact(time)}>
      {relative(time, now)}
    </time>
  );
}
