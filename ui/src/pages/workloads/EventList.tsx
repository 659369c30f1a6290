import type { RecentEvent } from "../../api/document";
import { Moment } from "../../components/Moment";
import { StateLabel } from "../../components/StateLabel";
import styles from "./Workloads.module.css";

/** What the cluster told of an object, newest first. */
export function EventList({ events }: { events: readonly RecentEvent[] }) {
  if (events.length === 0) return <p className={styles["small"]}>There is none; the cluster keeps them for an hour.</p>;
  return (
    <ul className={styles["list"]}>
      {[...events].reverse().map((event) => (
        <li key={`${event.reason} ${event.message} ${event.timestamp}`} className={styles["row"]}>
          <StateLabel status={event.type === "Warning" ? "warning" : "plain"}>{event.reason}</StateLabel>
          <span>{event.message}</span>
          <span className={`${styles["push"]} ${styles["small"]}`}>
            {event.count > 1 && `${event.count} times, `}
            <Moment at={event.timestamp} />
          </span>
        </li>
      ))}
    </ul>
  );
}
