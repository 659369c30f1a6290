// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { LiveStatus } from "../../live/status";
import { freshness } from "./freshness";

const at = new Date("2026-03-01T12:00:00Z");
const live: LiveStatus = { document: { stale: false, cluster: { reachable: true } }, connection: "live", lastSeen: at, failure: undefined };

describe("freshness", () => {
  it("is when the appliance last spoke, less the age that a single answer had", () => {
    expect(freshness(live)).toEqual({ kind: "checked", at });
    const polled: LiveStatus = { ...live, connection: "polling", document: { ...live.document, ageSeconds: 8 } };
    expect(freshness(polled)).toEqual({ kind: "checked", at: new Date("2026-03-01T11:59:52Z") });
  });

  it("is not claimed when the cluster is silent, a part is old, or the connection is lost", () => {
    const since = "2026-03-01T11:40:00Z";
    const silent: LiveStatus = { ...live, document: { cluster: { reachable: false, since } } };
    expect(freshness(silent)).toEqual({ kind: "stale", since: new Date(since) });
    expect(freshness({ ...live, document: { stale: true } })).toEqual({ kind: "stale", since: undefined });
    expect(freshness({ ...live, connection: "lost" })).toEqual({ kind: "lost", lastSeen: at });
  });
});
