import type { Blocker, Signal, StatusDocument } from "./status";

/** `GET /api/status` with the parts that only the status page reads (see `crates/common/src/readiness/wire`). */
export interface Status extends StatusDocument {
  topBlockers?: FullBlocker[];
  failures?: FailureNote[];
  recentEvents?: RecentEvent[];
  errors?: ReadingError[];
  flux?: { sources: FluxRow[]; kustomizations: FluxRow[]; helmReleases: FluxRow[] };
  bootstrap?: {
    job: { name: string; state: "not_created" | "running" | "completed" | "failed" | "unknown"; failed: boolean; completed: boolean; since?: string | null };
    logs: { available: boolean; pod: string | null; container: string | null; tail: string[]; detectedErrors: string[] };
  };
  urls?: { loginUrl: string | null; statusUrl: string | null };
  kubernetes?: { nodes: { name: string; ready: boolean }[]; podCount: number | null; jobCount: number | null; helmReleaseCount: number | null; warnings: string[]; suppressedWarnings: string[] };
}

/** An object of the cluster. */
export interface ObjectRef {
  kind: string;
  namespace: string | null;
  name: string;
}

/** An event that explains a blocker. */
export interface ExplainingEvent {
  reason: string;
  message: string;
  timestamp: string | null;
  count: number;
}

/** A blocker with the object that shows it and that object's events. */
export interface FullBlocker extends Blocker {
  object?: ObjectRef;
  events?: ExplainingEvent[];
}

/** What failed, and what happens by itself about it. */
export interface FailureNote {
  category: string;
  phase: string;
  suspectedCause: string;
  suggestedNextStep: string;
  retrySafe: boolean;
  resolved?: boolean;
  autoRetry?: { attempts: number; nextAttemptInSeconds: number | null };
}

export interface RecentEvent {
  type: string;
  reason: string;
  namespace: string;
  involvedObject: string;
  message: string;
  timestamp: string | null;
  count: number;
}

/** A question to the cluster that failed. */
export interface ReadingError {
  signal: string;
  kind: string;
  message: string;
  since: string | null;
  lastKnownAt: string | null;
}

export interface FluxRow {
  kind: string;
  name: string;
  namespace: string;
  ready: string | null;
  reason: string;
  message: string;
  revision: string | null;
  suspended: boolean;
  signal: Signal;
}
