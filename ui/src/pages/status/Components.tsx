import type { Component } from "../../api/status";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import styles from "./StatusPage.module.css";

type Shown = [status: "success" | "warning" | "danger" | "custom", words: string];

const WORDS: Record<Component["status"], Shown> = {
  healthy: ["success", "Healthy"],
  degraded: ["warning", "Degraded"],
  unhealthy: ["danger", "Not working"],
  unknown: ["custom", "Unknown"],
  scaled_down: ["warning", "Switched off"],
};

/** What was so when the cluster last answered is not green. */
const WAS: Shown = ["custom", "Was healthy"];

/** The workloads of the application, each with how many of its pods are ready. */
export function Components({ components, isOld }: { components: Component[] | undefined; isOld: boolean }) {
  return (
    <Section title="Components" testId="components">
      {!components || components.length === 0 ? (
        <p className={styles["small"]}>None is known yet.</p>
      ) : (
        <ul className={styles["list"]}>
          {components.map((component) => (
            <Row key={`${component.namespace}/${component.name}`} component={component} isOld={isOld} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function Row({ component, isOld }: { component: Component; isOld: boolean }) {
  const [status, words] = isOld && component.ready ? WAS : (WORDS[component.status] ?? WORDS.unknown);
  return (
    <li data-testid={`component-${component.name}`} data-status={component.status}>
      <div className={styles["row"]}>
        <StateLabel status={status}>{words}</StateLabel>
        <span>{component.name}</span>
        <span className={styles["push"]}>{ready(component)}</span>
      </div>
      {component.status !== "healthy" && component.message && <div className={styles["small"]}>{component.message}</div>}
    </li>
  );
}

function ready({ desired, readyReplicas }: Component): string {
  return desired === null || readyReplicas === null ? "? of ? ready" : `${readyReplicas} of ${desired} ready`;
}
