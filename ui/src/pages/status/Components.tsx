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

/** What nobody has made yet is not broken. */
const TO_COME: Shown = ["custom", "To come"];
const MISSING: Shown = ["danger", "Missing"];

interface ComponentsProps {
  components: Component[] | undefined;
  /** Whether this is what was so, not what is. */
  isOld: boolean;
  /** Whether setup has not come to them yet. */
  isComing: boolean;
}

/** The workloads of the application, each with how many of its pods are ready. */
export function Components({ components, isOld, isComing }: ComponentsProps) {
  return (
    <Section title="Components" testId="components">
      {!components || components.length === 0 ? (
        <p className={styles["small"]}>None is known yet.</p>
      ) : (
        <ul className={styles["list"]}>
          {components.map((component) => (
            <Row key={`${component.namespace}/${component.name}`} component={component} shown={shown(component, isOld, isComing)} />
          ))}
        </ul>
      )}
    </Section>
  );
}

function shown(component: Component, isOld: boolean, isComing: boolean): Shown {
  if (isOld && component.ready) return WAS;
  if (isMissing(component)) return isComing ? TO_COME : MISSING;
  return WORDS[component.status] ?? WORDS.unknown;
}

/** That it is not there is known; of one that could not be asked about nothing is. */
function isMissing({ status, desired }: Component): boolean {
  return status === "unhealthy" && desired === null;
}

function Row({ component, shown: [status, words] }: { component: Component; shown: Shown }) {
  return (
    <li data-testid={`component-${component.name}`} data-status={component.status}>
      <div className={styles["row"]}>
        <StateLabel status={status}>{words}</StateLabel>
        <span>{component.name}</span>
        {!isMissing(component) && <span className={styles["push"]}>{ready(component)}</span>}
      </div>
      {component.status !== "healthy" && component.message && <div className={styles["small"]}>{component.message}</div>}
    </li>
  );
}

function ready({ desired, readyReplicas }: Component): string {
  return desired === null || readyReplicas === null ? "? of ? ready" : `${readyReplicas} of ${desired} ready`;
}
