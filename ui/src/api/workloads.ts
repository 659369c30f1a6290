import { get, post } from "./client";
import type { RecentEvent } from "./document";

export interface Namespace {
  name: string;
  phase: string | null;
  createdAt: string | null;
}

export interface Container {
  name: string;
  image: string | null;
  ports: { name: string | null; containerPort: number; protocol: string }[];
  ready: boolean;
  restarts: number;
  /** `running`, `waiting`, `terminated` or `unknown`. */
  state: string;
  reason?: string | null;
}

export interface Pod {
  namespace: string;
  name: string;
  phase: string | null;
  reason: string | null;
  ready: boolean;
  readyContainers: number;
  totalContainers: number;
  restarts: number;
  node: string | null;
  podIP: string | null;
  createdAt: string | null;
  containers: Container[];
  initContainers?: Container[];
}

export interface Condition {
  type: string;
  status: string;
  reason: string | null;
  message: string | null;
  lastTransitionTime: string | null;
}

export interface ReplicaSet {
  name: string;
  revision: string | null;
  replicas: number;
  readyReplicas: number;
  createdAt: string | null;
  images: string[];
}

export interface Deployment {
  namespace: string;
  name: string;
  readyReplicas: number;
  replicas: number;
  updatedReplicas: number;
  availableReplicas: number;
  generation: number | null;
  observedGeneration: number | null;
  createdAt: string | null;
  strategy: string | null;
  conditions: Condition[];
  images: string[];
  revision: string | null;
  replicaSets: ReplicaSet[];
}

/** What is not in a list, because it cannot be read. */
export interface LeftOut {
  count: number;
  /** The first of them. */
  objects: { kind: string; namespace: string | null; name: string; why: string }[];
}

export interface Log {
  lines: string[];
  truncated?: boolean;
}

/** Which log is wanted. */
export interface LogQuery {
  namespace: string;
  pod: string;
  container?: string | undefined;
  tail: number;
  previous: boolean;
}

const within = (namespace: string) => `?namespace=${encodeURIComponent(namespace)}`;

export const namespaces = (signal?: AbortSignal) => get<{ namespaces: Namespace[]; leftOut: LeftOut }>("/api/k8s/namespaces", { signal });

export const pods = (namespace: string, signal?: AbortSignal) => get<{ pods: Pod[]; leftOut: LeftOut }>(`/api/k8s/pods${within(namespace)}`, { signal });

export const deployments = (namespace: string, signal?: AbortSignal) =>
  get<{ deployments: Deployment[]; leftOut: LeftOut }>(`/api/k8s/deployments${within(namespace)}`, { signal });

export const events = (namespace: string, signal?: AbortSignal) => get<{ events: RecentEvent[]; leftOut: LeftOut }>(`/api/k8s/events${within(namespace)}`, { signal });

export const log = (query: LogQuery, signal?: AbortSignal) => get<Log>(logPath(query, false), { signal, limit: 90 });

/** The path of a log; with `follow` it answers as a stream. */
export function logPath(query: LogQuery, follow: boolean): string {
  const values = new URLSearchParams({ namespace: query.namespace, pod: query.pod, tail: String(query.tail) });
  if (query.container) values.set("container", query.container);
  if (query.previous) values.set("previous", "1");
  if (follow) values.set("follow", "1");
  return `/api/k8s/logs?${values.toString()}`;
}

/** The Deployments that may be restarted, all of namespace `msp`. Database and cache hold data and are not among them. */
export const RESTARTABLE: readonly string[] = ["alga-core-sebastian", "pgbouncer", "temporal", "workflow-worker", "email-service", "temporal-worker"];

export const restart = (name: string) => post<{ ok: true; workload: string; restartedAt: string }>("/api/workloads/restart", { namespace: "msp", name });
