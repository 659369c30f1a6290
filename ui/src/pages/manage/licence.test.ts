// @vitest-environment node
import { expect, it } from "vitest";
import type { ManageStatus } from "../../api/manage";
import { edition, licence } from "./licence";

const now = new Date("2026-03-01T12:00:00Z");
const of = (more: Partial<ManageStatus["license"]>) =>
  licence({ edition: "ee", expiresAt: null, perpetual: false, status: "active", source: "live", ...more }, now);

it("tells how long a licence lasts, and warns a month before its end", () => {
  expect(of({ perpetual: true })).toEqual({ status: "success", word: "Active", sentence: "It has no end." });
  expect(of({ expiresAt: "2027-03-01T12:00:00Z" })).toMatchObject({ status: "success", sentence: "It ends in 365 days." });
  expect(of({ expiresAt: "2026-03-11T12:00:00Z" })).toMatchObject({ status: "warning", sentence: "It ends in 10 days." });
  expect(of({ status: "expired", expiresAt: "2026-02-27T12:00:00Z" })).toMatchObject({ status: "danger", word: "Expired" });
});

it("never takes an unknown licence for a good one", () => {
  expect(of({ status: "unknown" }).status).toBe("custom");
});

it("names an edition as the setup does", () => {
  expect(["ee", "ce", "other", null].map(edition)).toEqual(["Enterprise", "Community", "other", "not known"]);
});
