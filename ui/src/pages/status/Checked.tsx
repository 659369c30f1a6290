import { useNow } from "../../components/now";
import type { LiveStatus } from "../../live/status";
import { exact, inWords, relative } from "../../text/time";
import { freshness } from "./freshness";
import styles from "./StatusPage.module.css";

/** How new what is shown is, by the second. */
export function Checked({ live }: { live: LiveStatus }) {
  const now = useNow();
  const fresh = freshness(live);
  return (
    <p className={styles["foot"]} data-testid="freshness" data-kind={fresh.kind}>
      {fresh.kind === "checked" && <Time at={fresh.at} words={`Checked ${inWords((now.getTime() - fresh.at.getTime()) / 1000)} ago`} />}
      {fresh.kind === "stale" && (fresh.since ? <Time at={fresh.since} words={`Not all of this is new: last complete ${relative(fresh.since, now)}`} /> : "Not all of this is new")}
      {fresh.kind === "lost" && (fresh.lastSeen ? <Time at={fresh.lastSeen} words={`Last heard of ${relative(fresh.lastSeen, now)}`} /> : "Nothing was heard yet")}
    </p>
  );
}

function Time({ at, words }: { at: Date; words: string }) {
  return (
    <time dateTime={at.toISOString()} title={exact(at)}>
      {words}
    </time>
  );
}
