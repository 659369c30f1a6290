import type { ActiveOperation } from "../../api/status";
import { useNow } from "../../components/now";
import { Section } from "../../components/Section";
import { elapsed, parseTime } from "../../text/time";
import styles from "./StatusPage.module.css";

/** What is under way, and for how long already. */
export function Operations({ operations }: { operations: ActiveOperation[] | undefined }) {
  return (
    <Section title="Under way" testId="operations">
      {!operations || operations.length === 0 ? (
        <p className={styles["small"]}>{operations ? "Nothing just now." : "Not known."}</p>
      ) : (
        <ul className={styles["list"]}>
          {operations.map((operation) => (
            <li key={`${operation.component} ${operation.kind}`} data-testid="operation">
              <div className={styles["row"]}>
                <span>{operation.component}</span>
                <span className={styles["push"]}>
                  <Elapsed operation={operation} />
                </span>
              </div>
              <div className={styles["small"]}>{operation.message}</div>
              {operation.image && <div className={styles["small"]}>{operation.image}</div>}
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function Elapsed({ operation }: { operation: ActiveOperation }) {
  const now = useNow();
  const started = parseTime(operation.startedAt);
  if (started) return <>{elapsed((now.getTime() - started.getTime()) / 1000)}</>;
  return <>{operation.elapsedSeconds === null ? "" : elapsed(operation.elapsedSeconds)}</>;
}
