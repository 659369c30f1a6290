import type { ReadingError, Status } from "../../api/document";
import { Moment } from "../../components/Moment";
import { Section } from "../../components/Section";
import styles from "./StatusPage.module.css";

/** What could not be asked: it is unknown, which is neither well nor ill. */
export function Unreadable({ errors = [], kubernetes }: { errors: ReadingError[] | undefined; kubernetes: Status["kubernetes"] }) {
  const warnings = kubernetes?.warnings ?? [];
  return (
    <Section title="The box" testId="box">
      <p className={styles["small"]}>
        {errors.length > 0 && "Last known: "}
        {counts(kubernetes)}
      </p>
      {(errors.length > 0 || warnings.length > 0) && (
        <ul className={styles["list"]}>
          {byCause(errors).map(({ signals, message, lastKnownAt }) => (
            <li key={message} data-testid="reading-error" className={styles["small"]}>
              <strong>Not known: {signals.join(", ")}.</strong> {message}
              {lastKnownAt && (
                <>
                  {" "}
                  Last known <Moment at={lastKnownAt} />.
                </>
              )}
            </li>
          ))}
          {errors.length === 0 &&
            warnings.map((warning) => (
              <li key={warning} className={styles["small"]}>
                {warning}
              </li>
            ))}
        </ul>
      )}
    </Section>
  );
}

interface Cause {
  signals: string[];
  message: string;
  /** The oldest of them. */
  lastKnownAt: string | undefined;
}

/** One line for one cause: when the API server is gone, every question fails alike. */
function byCause(errors: ReadingError[]): Cause[] {
  const causes = new Map<string, Cause>();
  for (const { signal, message, lastKnownAt } of errors) {
    const known = lastKnownAt ?? undefined;
    const cause = causes.get(message);
    if (!cause) {
      causes.set(message, { signals: [signal], message, lastKnownAt: known });
      continue;
    }
    cause.signals.push(signal);
    if (known && (!cause.lastKnownAt || known < cause.lastKnownAt)) cause.lastKnownAt = known;
  }
  return [...causes.values()];
}

function counts(kubernetes: Status["kubernetes"]): string {
  if (!kubernetes || kubernetes.nodes.length === 0) return "Kubernetes has not said anything yet.";
  const ready = kubernetes.nodes.filter((node) => node.ready).length;
  const count = (value: number | null, what: string) => (value === null ? `unknown ${what}` : `${value} ${what}`);
  return `${ready} of ${kubernetes.nodes.length} nodes ready, ${count(kubernetes.podCount, "pods")}, ${count(kubernetes.helmReleaseCount, "Helm releases")}.`;
}
