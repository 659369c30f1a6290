import { post } from "./client";

/** What a repair does, or would do. */
export interface RepairPlan {
  helmRelease: string;
  healthy: boolean;
  reason: string;
  remove: { kind: string; namespace: string; name: string; reason: string }[];
  force: boolean;
}

export interface Repaired {
  ok: true;
  helmRelease: string;
  requestedAt: string | null;
  message: string;
  plan: RepairPlan;
}

/** What repairing a release would do; changes nothing. */
export const planRepair = (release: string) => post<Repaired>("/api/recover", { release, dryRun: true });

/** Removes what has failed of a release and makes Flux try it again. */
export const repair = (release: string) => post<Repaired>("/api/recover", { release }, { limit: 60 });
