import type { Container, Deployment, Pod } from "../../api/workloads";

/** How a workload is, and in which order workloads are shown: worst first. Pure. */
export type State = { status: "success" | "warning" | "danger" | "info" | "custom"; words: string };

/** Reasons that do not pass by themselves. */
const TROUBLE = new Set(["CrashLoopBackOff", "ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "Error", "OOMKilled", "Evicted", "ContainerCannotRun"]);

export function podState(pod: Pod): State {
  const reason = pod.reason ?? undefined;
  if (reason && TROUBLE.has(reason)) return { status: "danger", words: reason };
  switch (pod.phase) {
    case "Failed":
      return { status: "danger", words: reason ?? "Failed" };
    case "Succeeded":
      return { status: "info", words: "Done" };
    case "Pending":
      return { status: "warning", words: reason ?? "Pending" };
    case "Running":
      return pod.ready ? { status: "success", words: "Running" } : { status: "warning", words: reason ?? "Not ready" };
    default:
      return { status: "custom", words: "Unknown" };
  }
}

export function deploymentState(deployment: Deployment): State {
  const { replicas, readyReplicas, updatedReplicas, generation, observedGeneration } = deployment;
  if (replicas === 0) return { status: "warning", words: "Switched off" };
  const isTaken = generation === null || observedGeneration === null || observedGeneration >= generation;
  if (!isTaken || updatedReplicas < replicas) return { status: "info", words: "Changing" };
  if (readyReplicas >= replicas) return { status: "success", words: "Ready" };
  return readyReplicas === 0 ? { status: "danger", words: "Not ready" } : { status: "warning", words: "Partly ready" };
}

export function containerState(container: Container): State {
  const reason = container.reason ?? undefined;
  if (reason && TROUBLE.has(reason)) return { status: "danger", words: reason };
  switch (container.state) {
    case "running":
      return container.ready ? { status: "success", words: "Running" } : { status: "warning", words: "Not ready" };
    case "waiting":
      return { status: "warning", words: reason ?? "Waiting" };
    case "terminated":
      return reason === "Completed" ? { status: "info", words: "Done" } : { status: "danger", words: reason ?? "Ended" };
    default:
      return { status: "custom", words: "Not started" };
  }
}

const RANK: Record<State["status"], number> = { danger: 0, warning: 1, custom: 2, info: 3, success: 4 };

/** Worst first; what is equally bad by its name, so that nothing moves without a cause. */
export function worstFirst<T extends { namespace: string; name: string }>(rows: readonly T[], state: (row: T) => State): T[] {
  const path = (row: T) => `${row.namespace}/${row.name}`;
  return [...rows].sort((a, b) => RANK[state(a).status] - RANK[state(b).status] || (path(a) < path(b) ? -1 : 1));
}

/** Rows whose name contains what was typed. */
export function named<T extends { namespace: string; name: string }>(rows: readonly T[], text: string): T[] {
  const wanted = text.trim().toLowerCase();
  return wanted === "" ? [...rows] : rows.filter((row) => `${row.namespace}/${row.name}`.toLowerCase().includes(wanted));
}
