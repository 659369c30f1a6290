import type { AutoRetry, Plan } from "./setup";

export type TierName = "platformReady" | "coreReady" | "bootstrapReady" | "loginReady" | "backgroundReady" | "fullyHealthy";
export type Signal = "ready" | "not_ready" | "unknown";
export type Severity = "critical" | "warning" | "background";

export interface Tier {
  ready: boolean;
  status: string;
  signal: Signal;
  reasons: string[];
}

export interface Blocker {
  id: string;
  severity: Severity;
  component: string;
  layer: string;
  reason: string;
  meaning: string;
  nextAction: string;
  loginBlocking: boolean;
  since?: string | null;
  object?: unknown;
  events?: unknown[];
}

export interface Component {
  name: string;
  tier: string;
  kind: string;
  namespace: string;
  ready: boolean;
  signal: Signal;
  status: "healthy" | "degraded" | "unhealthy" | "unknown" | "scaled_down";
  desired: number | null;
  readyReplicas: number | null;
  message: string;
  since?: string | null;
}

export interface ActiveOperation {
  component: string;
  kind: string;
  image: string | null;
  message: string;
  startedAt: string | null;
  elapsedSeconds: number | null;
}

export interface LoginProbe {
  checked: boolean;
  reachable: boolean | null;
  statusCode: number | null;
  location: string | null;
  url: string | null;
  checkedAt: string | null;
  error: string | null;
  certificate: "trusted" | "untrusted" | "none";
}

/**
 * The status document. Older and newer control planes leave keys out, so each is optional here, and a
 * page says "unknown" where one is missing.
 */
export interface StatusDocument {
  schemaVersion?: number;
  collectedAt?: string;
  stale?: boolean;
  errors?: unknown[];
  stateUnreadable?: boolean;
  tiers?: Record<TierName, boolean> & { backgroundIssues: string[] };
  readinessTiers?: Record<TierName, Tier>;
  rollup?: {
    state: "fully_healthy" | "ready_to_log_in" | "ready_with_background_issues" | "installing" | "blocked";
    message: string;
    nextAction: string;
  };
  topBlockers?: Blocker[];
  failures?: unknown[];
  components?: Component[];
  activeOperations?: ActiveOperation[];
  recentEvents?: unknown[];
  loginProbe?: LoginProbe;
  plan?: Plan | null;
  setupReEditable?: boolean;
  setupInputs?: Record<string, unknown> | null;
  autoRetry?: AutoRetry | null;
  cluster?: { reachable: boolean; since?: string | null; message?: string | null };
  ageSeconds?: number;
  [key: string]: unknown;
}
