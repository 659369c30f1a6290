import type { LiveStatus } from "../../live/status";
import { parseTime } from "../../text/time";

/** How new what is shown is. Pure. */
export type Freshness =
  | { kind: "checked"; at: Date }
  | { kind: "stale"; since: Date | undefined }
  | { kind: "lost"; lastSeen: Date | undefined };

/** While the appliance speaks and holds nothing old, the last word of it is when it was checked. */
export function freshness({ document, connection, lastSeen }: LiveStatus): Freshness {
  if (connection === "lost" || !lastSeen) return { kind: "lost", lastSeen };
  const cluster = document?.cluster;
  if (cluster?.reachable === false) return { kind: "stale", since: parseTime(cluster.since) };
  if (document?.stale) return { kind: "stale", since: parseTime(document.collectedAt) };
  const age = connection === "polling" ? (document?.ageSeconds ?? 0) : 0;
  return { kind: "checked", at: new Date(lastSeen.getTime() - age * 1000) };
}
