// @vitest-environment node
import { expect, it } from "vitest";
import type { Status } from "../../api/document";
import type { Plan } from "../../api/setup";
import { isInstalling } from "./installing";

const installing = (plan: string, rollup: string, completed: boolean) =>
  isInstalling({ state: plan } as Plan, { rollup: { state: rollup }, bootstrap: { job: { completed } } } as unknown as Status);

it("is the install until setup is done and the application was ready once", () => {
  expect(installing("running", "installing", false)).toBe(true);
  expect(installing("blocked", "blocked", false)).toBe(true);
  expect(installing("complete", "installing", false)).toBe(true);
  expect(installing("complete", "ready_to_log_in", true)).toBe(false);
});

it("is the status for later troubles and for a box that tells no plan", () => {
  expect(installing("complete", "blocked", true)).toBe(false);
  expect(installing("complete", "installing", true)).toBe(false);
  expect(isInstalling(undefined, {})).toBe(false);
  expect(isInstalling(undefined, undefined)).toBe(false);
});
