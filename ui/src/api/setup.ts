import { get, post } from "./client";

/** What the form is filled with; never a secret. */
export interface SetupConfig {
  mode: "setup" | "status";
  defaults: {
    channel: string;
    appHostname: string;
    dnsMode: string;
    dnsServers: string;
    releaseRef: string;
    tenantName?: string;
    adminFirstName?: string;
    adminLastName?: string;
    adminEmail?: string;
  };
  /** The administrator's password of the last submission is kept sealed; leaving it out uses it. */
  passwordKept: boolean;
  network: { addresses: string[]; resolvers: string[] };
}

/** Why setup stopped. */
export interface Failure {
  step: string;
  category: string;
  code?: string;
  message: string;
  suspectedCause: string;
  suggestedNextStep: string;
  retrySafe: boolean;
  transient?: boolean;
  correctable?: boolean;
}

/** What happens by itself about a failure that can pass. */
export interface AutoRetry {
  willRetry: boolean;
  exhausted: boolean;
  attempts: number;
  maxAttempts: number;
  nextAttemptAt?: string;
  nextAttemptInSeconds?: number;
  waitingFor?: string;
}

export type StepState = "pending" | "running" | "done" | "failed" | "interrupted" | "cancelled";

/** One of the twelve steps. */
export interface PlanStep {
  id: string;
  title: string;
  state: StepState;
  attempt: number;
  since?: string;
  finishedAt?: string;
  elapsedSeconds?: number;
  summary?: string;
  progress?: string;
  waitsFor?: string;
  onRetry: { action: "skip" | "check" | "run"; why: string };
  typicalSeconds?: number;
}

/** `GET /api/setup/plan`, also the key `plan` of the status document. */
export interface Plan {
  state: "empty" | "queued" | "running" | "blocked" | "interrupted" | "cancelled" | "complete";
  since?: string;
  notice?: string;
  submission: string | null;
  run: { id: string; attempt: number; startedAt: string; trigger: string } | null;
  holder?: string;
  editable: boolean;
  canRetry: boolean;
  canCancel: boolean;
  autoRetry: AutoRetry | null;
  failure: Failure | null;
  steps: PlanStep[];
  bootstrap: unknown;
}

export type Outcome = "pass" | "warn" | "fail" | "unknown" | "skipped";

/** One check of host or network. */
export interface CheckResult {
  id: string;
  group: string;
  title: string;
  severity: "block" | "warn";
  strict: boolean;
  outcome: Outcome;
  measured: string;
  why: string;
  fix: string;
  automaticFix?: string;
  waived: boolean;
}

/** Whether the wanted release can be had; `ok` is null when that could not be told in time. */
export interface ReleaseCheck {
  ok: boolean | null;
  reference: string;
  version?: string;
  failure?: Failure;
}

export interface Preflight {
  report: { checkedAt: string; checks: CheckResult[] } | null;
  release: ReleaseCheck | null;
  ageSeconds: number | null;
}

export const setupConfig = (signal?: AbortSignal) => get<SetupConfig>("/api/setup/config", { signal });

export const submitSetup = (answers: Record<string, unknown>) =>
  post<{ ok: true; redirectTo: string }>("/api/setup", answers, { limit: 60 });

export const runPreflight = (answers: Record<string, unknown>, signal?: AbortSignal) =>
  post<Preflight>("/api/setup/preflight", answers, { signal, limit: 60 });

export const plan = (signal?: AbortSignal) => get<Plan>("/api/setup/plan", { signal });

export const retrySetup = () => post<{ ok: true }>("/api/setup/retry");

export const cancelSetup = () => post<{ ok: true }>("/api/setup/cancel");
