import type { ExplainingEvent, FullBlocker } from "../../api/document";
import { Moment } from "../../components/Moment";
import { Section } from "../../components/Section";
import { SeverityLabel } from "../../components/StateLabel";
import { Link } from "../../app/router";
import { repairable } from "./headline";
import { Repair } from "./Repair";
import styles from "./StatusPage.module.css";

/** What is wrong, worst first; nothing at all where nothing is. */
export function Blockers({ blockers }: { blockers: FullBlocker[] | undefined }) {
  if (!blockers || blockers.length === 0) return null;
  return (
    <Section title={blockers.length === 1 ? "What is wrong" : `What is wrong (${blockers.length})`} testId="blockers">
      <ul className={styles["blockers"]}>
        {blockers.map((blocker, position) => (
          <li key={keyOf(blocker, position)} className={styles["blocker"]} data-testid="blocker" data-id={blocker.id} data-severity={blocker.severity}>
            <Described blocker={blocker} isWorst={position === 0} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function keyOf({ id, object }: FullBlocker, position: number): string {
  return object ? `${id} ${object.kind} ${object.namespace ?? ""} ${object.name}` : `${id} ${position}`;
}

function Described({ blocker, isWorst }: { blocker: FullBlocker; isWorst: boolean }) {
  const release = repairable(blocker.id, blocker.object);
  return (
    <>
      <div className={styles["row"]}>
        <SeverityLabel severity={blocker.severity} />
        <strong className={styles["reason"]}>{blocker.reason}</strong>
        {blocker.since && (
          <span className={styles["push"]}>
            since <Moment at={blocker.since} />
          </span>
        )}
      </div>
      <div>{blocker.meaning}</div>
      {blocker.nextAction && (
        <div>
          <strong>What to do:</strong> {blocker.nextAction}
        </div>
      )}
      <div className={styles["row"]}>
        {/* The worst one's button is beside the first line already. */}
        {release && !isWorst && <Repair release={release} />}
        {blocker.object?.kind === "Pod" && blocker.object.namespace && (
          <Link to={`/workloads?namespace=${encodeURIComponent(blocker.object.namespace)}&pod=${encodeURIComponent(blocker.object.name)}`}>Look at the pod and its log</Link>
        )}
      </div>
      <More blocker={blocker} />
    </>
  );
}

function More({ blocker }: { blocker: FullBlocker }) {
  const { object, events = [] } = blocker;
  const about = object ? `${object.kind} ${object.namespace ? `${object.namespace}/` : ""}${object.name}` : blocker.component;
  return (
    <details className={`${styles["details"]} ${styles["small"]}`}>
      <summary>{events.length > 0 ? `Details and ${events.length === 1 ? "an event" : `${events.length} events`}` : "Details"}</summary>
      <div>
        {about}, in {blocker.layer}, known as <code>{blocker.id}</code>
        {blocker.loginBlocking && "; users cannot log in before this is mended"}
      </div>
      <ul className={styles["list"]}>
        {events.map((event) => (
          <Explained key={`${event.reason} ${event.message} ${event.timestamp}`} event={event} />
        ))}
      </ul>
    </details>
  );
}

function Explained({ event }: { event: ExplainingEvent }) {
  return (
    <li>
      <strong>{event.reason}</strong> {event.message}
      {event.count > 1 && ` (${event.count} times)`} · <Moment at={event.timestamp} />
    </li>
  );
}
