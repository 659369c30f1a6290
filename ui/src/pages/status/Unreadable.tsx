import type { ReadingError, Status } from "../../api/document";
import { Moment } from "../../components/Moment";
import { Section } from "../../components/Section";
import styles from "./StatusPage.module.css";

/** What could not be asked: it is unknown, which is neither well nor ill. */
export function Unreadable({ errors = [], kubernetes }: { errors: ReadingError[] | undefined; kubernetes: Status["kubernetes"] }) {
  const warnings = kubernetes?.warnings ?? [];
  return (
    <Section title="The box" testId="box">
      <p className={styles["small"]}>{counts(kubernetes)}</p>
      {(errors.length > 0 || warnings.length > 0) && (
        <ul className={styles["list"]}>
          {errors.map((error) => (
            <li key={error.signal} data-testid="reading-error" className={styles["small"]}>
              <strong>Not known: {error.signal}.</strong> {error.message}
              {error.lastKnownAt && (
                <>
                  {" "}
                  Last known <Moment at={error.lastKnownAt} />.
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

function counts(kubernetes: Status["kubernetes"]): string {
  if (!kubernetes || kubernetes.nodes.length === 0) return "Kubernetes has not said anything yet.";
  const ready = kubernetes.nodes.filter((node) => node.ready).length;
  const count = (value: number | null, what: string) => (value === null ? `unknown ${what}` : `${value} ${what}`);
  return `${ready} of ${kubernetes.nodes.length} nodes ready, ${count(kubernetes.podCount, "pods")}, ${count(kubernetes.helmReleaseCount, "Helm releases")}.`;
}
