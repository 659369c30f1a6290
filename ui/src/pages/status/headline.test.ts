// @vitest-environment node
import { describe, expect, it } from "vitest";
import type { Status } from "../../api/document";
import { canLogIn, headline, loginUrl, remedy, repairable } from "./headline";

const healthy: Status = {
  rollup: { state: "fully_healthy", message: "Everything works.", nextAction: "" },
  cluster: { reachable: true },
  stale: false,
};

describe("headline", () => {
  it("is good only while what it rests on is so now", () => {
    expect(headline(healthy, "live").tone).toBe("good");
    expect(headline({ ...healthy, stale: true }, "live").tone).toBe("unknown");
    expect(headline({ ...healthy, cluster: { reachable: false } }, "live").tone).toBe("unknown");
    expect(headline(healthy, "lost").tone).toBe("unknown");
  });

  it("says the appliance's own two sentences", () => {
    const blocked: Status = { rollup: { state: "blocked", message: "Login is down.", nextAction: "Free some room." } };
    expect(headline(blocked, "live")).toEqual({ tone: "bad", title: "Login is down.", next: "Free some room." });
  });

  it("asks for nothing where there is nothing to do", () => {
    const quiet: Status = { ...healthy, rollup: { state: "fully_healthy", message: "Everything works.", nextAction: "Nothing." } };
    expect(headline(quiet, "live")).toEqual({ tone: "good", title: "Everything works.", next: "" });
  });

  it("is unknown for a document without a verdict or with one of a newer version", () => {
    expect(headline({}, "live").tone).toBe("unknown");
    const newer = { rollup: { state: "resting", message: "m", nextAction: "n" } } as unknown as Status;
    expect(headline(newer, "live").tone).toBe("unknown");
  });
});

describe("the login address", () => {
  it("is opened only when it is one and users can log in", () => {
    const ready = { ready: true, status: "ready", signal: "ready" as const, reasons: [] };
    const tiers = { readinessTiers: { loginReady: ready } } as unknown as Status;
    expect(canLogIn({ ...tiers, urls: { loginUrl: "http://10.0.0.5:3000", statusUrl: null } })).toBe(true);
    expect(canLogIn({ ...tiers, urls: { loginUrl: null, statusUrl: null } })).toBe(false);
    expect(canLogIn({ urls: { loginUrl: "http://10.0.0.5:3000", statusUrl: null } })).toBe(false);
    expect(loginUrl({ urls: { loginUrl: "javascript:alert(1)", statusUrl: null } })).toBeUndefined();
  });
});

describe("remedy", () => {
  const blocker = (id: string, name: string) => ({ id, object: { kind: "HelmRelease", namespace: "alga-system", name } });
  it("offers a repair only for what a repair can mend", () => {
    const of = (...topBlockers: unknown[]) => remedy({ topBlockers } as unknown as Status);
    expect(of(blocker("disk-space", "x"))).toBeUndefined();
    expect(of(blocker("helmrelease-failed", "temporal"))).toEqual({ kind: "repair", release: "temporal" });
    expect(of(blocker("helmrelease-failed", "somebody-elses"))).toBeUndefined();
    expect(of(blocker("disk-space", "x"), blocker("helmrelease-failed", "temporal")), "it would not mend the worst").toBeUndefined();
    expect(repairable("bootstrap-job-failed", undefined)).toBe("alga-core");
  });

  it("prefers a new code and a retry of setup", () => {
    expect(remedy({ setupReEditable: true })).toEqual({ kind: "enter-code" });
    expect(remedy({ plan: { canRetry: true } } as unknown as Status)).toEqual({ kind: "retry" });
  });
});
