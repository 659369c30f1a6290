import { memo, useState } from "react";
import { Switch } from "@patternfly/react-core/dist/esm/components/Switch";
import type { RecentEvent } from "../../api/document";
import { Moment } from "../../components/Moment";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import styles from "./StatusPage.module.css";

/** The newest events of the cluster, newest first. */
export function RecentEvents({ events }: { events: RecentEvent[] | undefined }) {
  const [warningsOnly, setWarningsOnly] = useState(false);
  const shown = (events ?? []).filter((event) => !warningsOnly || event.type === "Warning").reverse();
  return (
    <Section title="Recent events" testId="recent-events" aside={<Switch id="warnings-only" label="Warnings only" isChecked={warningsOnly} onChange={(_, checked) => setWarningsOnly(checked)} />}>
      {shown.length === 0 ? (
        <p className={styles["small"]}>{events ? "None." : "Not known."}</p>
      ) : (
        <div className={styles["events"]} tabIndex={0} role="region" aria-label="Recent events, newest first">
          <ul className={styles["list"]}>
            {shown.map((event) => (
              <Row key={`${event.namespace} ${event.involvedObject} ${event.reason} ${event.message} ${event.timestamp}`} event={event} />
            ))}
          </ul>
        </div>
      )}
    </Section>
  );
}

const Row = memo(function Row({ event }: { event: RecentEvent }) {
  return (
    <li>
      <div className={styles["row"]}>
        <StateLabel status={event.type === "Warning" ? "warning" : "plain"}>{event.reason}</StateLabel>
        <span>{event.involvedObject}</span>
        <span className={`${styles["push"]} ${styles["small"]}`}>
          {event.count > 1 && `${event.count} times, `}
          <Moment at={event.timestamp} />
        </span>
      </div>
      <div className={styles["small"]}>{event.message}</div>
    </li>
  );
}, same);

function same(before: { event: RecentEvent }, after: { event: RecentEvent }): boolean {
  return before.event.timestamp === after.event.timestamp && before.event.count === after.event.count && before.event.type === after.event.type;
}
