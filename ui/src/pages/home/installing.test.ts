// @vitest-environment node
import { expect, it } from "vitest";
import type { Status } from "../../api/document";
import { isInstalling } from "./installing";

const status = (plan: string, rollup: string, completed: boolean) =>
  ({ plan: { state: plan }, rollup: { state: rollup }, bootstrap: { job: { completed } } }) as unknown as Status;

it("is the install until setup is done and the application was ready once", () => {
  expect(isInstalling(status("running", "installing", false))).toBe(true);
  expect(isInstalling(status("blocked", "blocked", false))).toBe(true);
  expect(isInstalling(status("complete", "installing", false))).toBe(true);
  expect(isInstalling(status("complete", "ready_to_log_in", true))).toBe(false);
});

it("is the status for later troubles and for a box that tells no plan", () => {
  expect(isInstalling(status("complete", "blocked", true))).toBe(false);
  expect(isInstalling(status("complete", "installing", true))).toBe(false);
  expect(isInstalling({})).toBe(false);
  expect(isInstalling(undefined)).toBe(false);
});
