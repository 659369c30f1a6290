import { get, post, request } from "./client";

export interface BundleFile {
  name: string;
  bytes: number;
  downloadUrl: string;
}

export interface BundleMade {
  ok: true;
  downloadUrl: string;
  bytes: number;
  sha256: string;
  /** Whether something could not be collected. */
  partial: boolean;
  /** What, and why. */
  warnings: string[];
  /** What is probably wrong, the likeliest first. */
  findings: string[];
}

export interface BundleNotMade {
  ok: false;
  message: string;
  suspectedCause: string;
  suggestedNextStep: string;
}

export interface BundleJob {
  jobId: string;
  state: string;
  /** What is being done, in a few words. */
  step: string;
  result: BundleMade | BundleNotMade | null;
}

/** Makes a bundle, or joins the one that is being made. */
export const beginBundle = () => post<{ jobId: string }>("/api/support-bundle?async=1");

export const bundleJob = (id: string, signal?: AbortSignal) => get<BundleJob>(`/api/support-bundle/jobs/${encodeURIComponent(id)}`, { signal });

/** Those that are kept, the newest first. */
export const bundles = (signal?: AbortSignal) => get<{ files: BundleFile[] }>("/api/support-bundle/files", { signal });

export const removeBundle = (file: BundleFile) => request<{ ok: true }>("DELETE", file.downloadUrl, undefined, {});
