import type { Status } from "../../api/document";
import type { TierName } from "../../api/status";
import type { Connection } from "../../live/status";

/** How the first line looks: all well, well enough, busy, bad, or not known just now. */
export type Tone = "good" | "fair" | "busy" | "bad" | "unknown";

/** The first two lines of the page. Pure. */
export interface Headline {
  tone: Tone;
  /** What happened and what it means. */
  title: string;
  /** What to do; nothing where there is nothing to do. */
  next: string;
}

/** How the appliance says that there is nothing to do; alone under a first line it would only puzzle. */
const NOTHING_TO_DO = "Nothing.";

/** What is known of the appliance, in two sentences. What is not known now never looks well. */
export function headline(status: Status, connection: Connection): Headline {
  const { rollup } = status;
  if (!rollup) return { tone: "unknown", title: "What this appliance does is not known", next: "It does not tell its state. Load this page anew in a moment." };
  const next = rollup.nextAction === NOTHING_TO_DO ? "" : rollup.nextAction;
  const said: Headline = { tone: toneOf(status), title: rollup.message, next };
  return connection === "lost" ? { ...said, tone: "unknown" } : said;
}

function toneOf(status: Status): Tone {
  switch (status.rollup?.state) {
    case "fully_healthy":
      return seenNow(status) ? "good" : "unknown";
    case "ready_to_log_in":
    case "ready_with_background_issues":
      return seenNow(status) ? "fair" : "unknown";
    case "installing":
      return status.cluster?.reachable === false ? "unknown" : "busy";
    case "blocked":
      return "bad";
    default:
      return "unknown";
  }
}

/** Whether the verdict rests on what is so now, not on what was so when the cluster last answered. */
export function seenNow(status: Status): boolean {
  return status.stale !== true && (status.cluster?.reachable ?? true) !== false;
}

/** Whether users can log in as far as is known now. */
export function canLogIn(status: Status): boolean {
  return status.readinessTiers?.loginReady?.signal === "ready" && Boolean(loginUrl(status));
}

/** Where users log in; only what a browser may safely open. */
export function loginUrl(status: Status): string | undefined {
  const url = status.urls?.loginUrl;
  return url && /^https?:\/\//i.test(url) ? url : undefined;
}

/** Something that one click may do about the state without making it worse. */
export type Remedy = { kind: "retry" } | { kind: "enter-code" } | { kind: "repair"; release: string };

/** The six releases of the application; others are not ours to repair. */
const RELEASES = ["alga-core", "pgbouncer", "temporal", "workflow-worker", "email-service", "temporal-worker"];

/** What a button may offer beside the first line: the worst blocker's remedy, never that of a lesser one. */
export function remedy(status: Status): Remedy | undefined {
  if (status.setupReEditable) return { kind: "enter-code" };
  if (status.plan?.canRetry) return { kind: "retry" };
  const worst = status.topBlockers?.[0];
  const release = worst && repairable(worst.id, worst.object);
  return release ? { kind: "repair", release } : undefined;
}

/** The release that a repair may help with: one that failed, or whose bootstrap Job failed. */
export function repairable(id: string, object: { kind: string; name: string } | undefined): string | undefined {
  if (id === "bootstrap-job-failed") return "alga-core";
  const isRelease = id === "helmrelease-failed" && object?.kind === "HelmRelease";
  return isRelease && RELEASES.includes(object.name) ? object.name : undefined;
}

/** The tiers in the order in which they come about, with what an operator calls them. */
export const TIERS: readonly { key: TierName; name: string; about: string }[] = [
  { key: "platformReady", name: "Platform", about: "the box, Kubernetes and where releases come from" },
  { key: "coreReady", name: "Core", about: "database, cache and connection pool" },
  { key: "bootstrapReady", name: "First setup", about: "the company and its first administrator" },
  { key: "loginReady", name: "Login", about: "users can log in" },
  { key: "backgroundReady", name: "Background", about: "e-mail and workflows" },
];
