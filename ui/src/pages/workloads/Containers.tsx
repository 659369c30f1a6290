import type { Container, Pod } from "../../api/workloads";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import { containerState } from "./order";
import styles from "./Workloads.module.css";

/** The containers of a pod; those that run before the others are marked. */
export function Containers({ pod }: { pod: Pod }) {
  return (
    <Section title="Containers" testId="containers">
      <ul className={styles["list"]}>
        {(pod.initContainers ?? []).map((container) => (
          <Row key={container.name} container={container} isFirst />
        ))}
        {pod.containers.map((container) => (
          <Row key={container.name} container={container} isFirst={false} />
        ))}
      </ul>
    </Section>
  );
}

function Row({ container, isFirst }: { container: Container; isFirst: boolean }) {
  const { status, words } = containerState(container);
  const ports = container.ports.map((port) => port.containerPort).join(", ");
  return (
    <li className={styles["row"]}>
      <StateLabel status={status}>{words}</StateLabel>
      <span>
        {container.name}
        {isFirst && " (runs first)"}
      </span>
      <span className={styles["small"]}>{container.image}</span>
      <span className={`${styles["push"]} ${styles["small"]}`}>
        {container.restarts > 0 && `${container.restarts} restart${container.restarts === 1 ? "" : "s"}`}
        {container.restarts > 0 && ports && ", "}
        {ports && `port ${ports}`}
      </span>
    </li>
  );
}
