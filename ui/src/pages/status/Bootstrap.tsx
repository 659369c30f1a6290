import type { Status } from "../../api/document";
import { CodeBlock } from "../../components/CodeBlock";
import { Moment } from "../../components/Moment";
import { Section } from "../../components/Section";
import styles from "./StatusPage.module.css";

/** The end of the log of a first setup that failed; it is kept although the cluster forgets it. */
export function Bootstrap({ bootstrap }: { bootstrap: Status["bootstrap"] }) {
  if (!bootstrap?.job.failed) return null;
  const { job, logs } = bootstrap;
  return (
    <Section title="First setup failed" testId="bootstrap">
      <p className={styles["small"]}>
        Job {job.name} gave up <Moment at={job.since} />.
      </p>
      {logs.detectedErrors.length > 0 && <CodeBlock text={logs.detectedErrors.join("\n")} label="the errors in its log" />}
      {logs.available && (
        <details className={styles["details"]}>
          <summary>The end of its log</summary>
          <CodeBlock text={logs.tail.join("\n")} label="the end of the log" />
        </details>
      )}
    </Section>
  );
}
