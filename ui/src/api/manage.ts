import { get, post } from "./client";

export type LicenseState = "active" | "expired" | "unknown";
export type ResetState = "running" | "succeeded" | "failed" | "unknown";
export type Check = "current" | "available" | "unknown";

/** A reset of the administrator's password. */
export interface ResetOperation {
  id: string;
  state: ResetState;
  startedAt: string;
  endedAt: string | null;
  message: string;
}

/** A part that could not be read; the rest is there all the same. */
export interface PartError {
  part: string;
  code: string;
  message: string;
}

/** `GET /api/manage/status`. */
export interface ManageStatus {
  app: {
    version: string | null;
    channel: string;
    pinnedReleaseDigest: string | null;
    check?: { state: Check; checkedAt: string | null; error: string | null };
    availableVersion: string | null;
    updateAvailable: boolean;
  };
  controlPlane: {
    channel: string;
    runningDigest: string | null;
    runningImage?: string | null;
    upgradeState?: Check;
    reasonMessage?: string | null;
    upgrade?: { status: string; message: string | null };
  };
  license: {
    edition: string | null;
    expiresAt: string | null;
    perpetual: boolean;
    status: LicenseState;
    source: "live" | "seed-fallback" | null;
    lastCheckinAt?: string | null;
  };
  appUrl: { url: string | null; host: string | null; dnsMode: "system" | "custom"; dnsServers: string[]; pendingSince?: string | null };
  adminPasswordReset: { available: boolean; email: string | null; reason?: string | null; operation?: ResetOperation | null };
  collectedAt?: string;
  errors?: PartError[];
}

/** What a change of the address answers. */
export interface AddressChanged {
  ok: true;
  url: string;
  host: string;
  message: string;
  dns: { mode: string; servers: string[] | string; message: string };
}

export const manageStatus = (signal?: AbortSignal) => get<ManageStatus>("/api/manage/status", { signal });

/** The host takes the newer control plane; this one ends when it does. */
export const upgradeControlPlane = () => post<{ ok: true; started: boolean }>("/api/control-plane/upgrade", {}, { limit: 20 });

export const applyLicense = (licenseKey: string) => post<{ ok: true }>("/api/license/apply", { licenseKey }, { limit: 90 });

export const redeemCode = (claimCode: string) => post<{ ok: true }>("/api/license/redeem", { claimCode }, { limit: 90 });

export const changeAddress = (appHostname: string, dnsMode: string, dnsServers: string) =>
  post<AddressChanged>("/api/settings/app-url", { appHostname, dnsMode, dnsServers }, { limit: 60 });

export const resetAdministrator = (password: string, passwordConfirm: string, currentPassword: string) =>
  post<{ ok: true; operation: ResetOperation }>("/api/admin-password-reset", { password, passwordConfirm, currentPassword }, { limit: 60 });

export const resetOperation = (signal?: AbortSignal) => get<{ operation: ResetOperation | null }>("/api/admin-password-reset", { signal });
