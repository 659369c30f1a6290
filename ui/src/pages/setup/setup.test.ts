import { describe, expect, test } from "vitest";
import type { CheckResult, SetupConfig } from "../../api/setup";
import { type Answers, complaints, firstComplaint, keepable, keptAdministrator, networkAnswers, restored, SECRETS, submission, suggested } from "./answers";
import { finding, isClear, mayWaive, sorted } from "./checks";

const config: SetupConfig = {
  mode: "setup",
  defaults: { channel: "stable", appHostname: "http://192.0.2.7:3000", dnsMode: "system", dnsServers: "", releaseRef: "" },
  passwordKept: false,
  network: { addresses: [], resolvers: [] },
};
const base = suggested(config);
const full: Answers = {
  ...base,
  installCode: "k7qp-m2rx",
  tenantName: "Ärzte & Söhne",
  adminFirstName: "Ada",
  adminLastName: "Li",
  adminEmail: "ada@example.com",
  adminPassword: "Canary!1secret",
  adminPasswordConfirm: "Canary!1secret",
};

describe("the answers", () => {
  test("a filled form has no complaint, an empty one has one for each field, in the form's order", () => {
    expect(complaints(full)).toEqual({});
    const found = complaints(base);
    expect(Object.keys(found).sort()).toEqual(["adminEmail", "adminFirstName", "adminLastName", "adminPassword", "installCode", "tenantName"]);
    expect(firstComplaint(found)).toBe("installCode");
    expect(firstComplaint({ adminEmail: "x", tenantName: "y" })).toBe("tenantName");
  });

  test("what the server would refuse is said before", () => {
    for (const [part, field] of [
      [{ installCode: "abc" }, "installCode"],
      [{ installCode: "K7QP_M2RX" }, "installCode"],
      [{ licenseMode: "manual", licenseKey: "a.b" }, "licenseKey"],
      [{ adminEmail: "ada@example" }, "adminEmail"],
      [{ adminEmail: "a b@example.com" }, "adminEmail"],
      [{ adminPassword: "weak", adminPasswordConfirm: "weak" }, "adminPassword"],
      [{ adminPasswordConfirm: "other" }, "adminPasswordConfirm"],
      [{ dnsMode: "custom" }, "dnsServers"],
      [{ appHostname: " " }, "appHostname"],
      [{ appHostname: "https://psa example.com" }, "appHostname"],
    ] as const) {
      expect(Object.keys(complaints({ ...full, ...part })), JSON.stringify(part)).toEqual([field]);
    }
    expect(complaints({ ...full, licenseMode: "manual", installCode: "" })).toEqual({});
  });

  test("a password that is kept need not be typed again, as long as the administrator is the same", () => {
    const kept = keptAdministrator({ ...config, passwordKept: true, defaults: { ...config.defaults, adminEmail: "ada@example.com" } });
    const blank = { ...full, adminPassword: "", adminPasswordConfirm: "" };
    expect(complaints(blank, kept)).toEqual({});
    expect(Object.keys(complaints(blank))).toEqual(["adminPassword"]);
    expect(Object.keys(complaints({ ...blank, adminEmail: "eve@example.com" }, kept))).toEqual(["adminPassword"]);
    expect(Object.keys(complaints({ ...blank, adminPassword: "weak" }, kept)).sort()).toEqual(["adminPassword", "adminPasswordConfirm"]);
    expect(keptAdministrator({ ...config, defaults: { ...config.defaults, adminEmail: "ada@example.com" } })).toBe("");
  });

  test("only what belongs to the chosen licence and DNS is submitted", () => {
    expect(submission({ ...full, licenseKey: "a.b.c", dnsServers: "10.0.0.1" })).toMatchObject({ installCode: "k7qp-m2rx", dnsServers: "", waivedChecks: [] });
    expect(submission({ ...full, licenseKey: "a.b.c" })).not.toHaveProperty("licenseKey");
    const manual = submission({ ...full, licenseMode: "manual", licenseKey: "a.b.c", dnsMode: "custom", dnsServers: "10.0.0.1" });
    expect(manual).toMatchObject({ licenseKey: "a.b.c", editionChoice: "ee", dnsServers: "10.0.0.1" });
    expect(manual).not.toHaveProperty("installCode");
    expect(submission({ ...full, licenseMode: "manual" })).not.toHaveProperty("licenseKey");
  });

  test("no secret is kept or sent to the checks, whatever is typed", () => {
    const canaries = { ...full, ...Object.fromEntries(SECRETS.map((name) => [name, `Canary!1${name}`])) };
    for (const text of [keepable(canaries), JSON.stringify(networkAnswers(canaries))]) expect(text).not.toContain("Canary");
  });

  test("another load finds everything else", () => {
    const again = restored(keepable({ ...full, waivedChecks: ["cpu-cores"] }), base);
    expect(again).toEqual({ ...full, waivedChecks: ["cpu-cores"], installCode: "", adminPassword: "", adminPasswordConfirm: "" });
  });

  test("what was kept and cannot be used is as if nothing was", () => {
    for (const kept of [null, "", "{", "7", "null", '{"tenantName":7,"waivedChecks":[1],"adminPassword":"x","other":"y"}']) expect(restored(kept, base), String(kept)).toEqual(base);
  });
});

const check = (part: Partial<CheckResult>): CheckResult => ({
  id: "cpu-cores",
  group: "hardware",
  title: "CPU cores",
  severity: "block",
  strict: false,
  outcome: "pass",
  measured: "4",
  why: "",
  fix: "",
  waived: false,
  ...part,
});

describe("the checks", () => {
  test("unknown is neither good nor a stop", () => {
    const { stops, odd, well, skipped } = sorted([check({ outcome: "unknown" }), check({ outcome: "skipped" }), check({}), check({ outcome: "warn" })], []);
    expect([stops.length, odd.length, well.length, skipped]).toEqual([0, 2, 1, 1]);
  });

  test("a waiver lifts what may be waived, and nothing else", () => {
    const failed = check({ outcome: "fail" });
    const strict = check({ outcome: "fail", strict: true });
    expect([mayWaive(failed), mayWaive(strict), mayWaive(check({}))]).toEqual([true, false, false]);
    expect(sorted([failed], []).stops).toEqual([failed]);
    expect(sorted([failed], ["cpu-cores"]).odd).toEqual([failed]);
    expect(sorted([strict], ["cpu-cores"]).stops).toEqual([strict]);
  });

  test("nothing is clear before it was checked, nor without its release", () => {
    const report = { checkedAt: "2026-03-01T12:00:00Z", checks: [check({})] };
    const release = { ok: true, reference: "stable" };
    expect(isClear({ report, release, ageSeconds: 0 }, [])).toBe(true);
    expect(isClear({ report: null, release, ageSeconds: null }, [])).toBe(false);
    expect(isClear({ report, release: { ok: false, reference: "stable" }, ageSeconds: 0 }, [])).toBe(false);
  });

  test("a finding is named once", () => {
    expect(finding(check({}))).toBe("CPU cores: 4");
    expect(finding(check({ title: "DNS server", measured: "DNS server 10.0.0.53 does not answer" }))).toBe("DNS server 10.0.0.53 does not answer");
  });
});
