import { expect, test } from "vitest";
import type { AutoRetry, Plan, PlanStep } from "../../api/setup";
import { automatic, headline, secondsLeft, stepSeconds } from "./steps";

const step = (part: Partial<PlanStep>): PlanStep => ({ id: "storage", title: "Preparing storage", state: "pending", attempt: 1, onRetry: { action: "run", why: "" }, ...part });
const plan = (state: Plan["state"], ...steps: PlanStep[]): Plan => ({
  state,
  submission: "s",
  run: null,
  editable: false,
  canRetry: false,
  canCancel: false,
  autoRetry: null,
  failure: null,
  bootstrap: null,
  steps,
});

test("only a running step's time goes on", () => {
  expect(stepSeconds(step({ state: "running", elapsedSeconds: 4 }), 3)).toBe(7);
  expect(stepSeconds(step({ state: "done", elapsedSeconds: 4 }), 3)).toBe(4);
  expect(stepSeconds(step({}), 3)).toBeUndefined();
});

test("the estimate is from this box's own times, and there is none while one is missing", () => {
  const done = step({ state: "done", elapsedSeconds: 9 });
  const running = step({ state: "running", elapsedSeconds: 10, typicalSeconds: 60 });
  const coming = step({ typicalSeconds: 100 });
  expect(secondsLeft(plan("running", done, running, coming), 5)).toBe(145);
  expect(secondsLeft(plan("running", done, running, step({})), 5)).toBeUndefined();
  expect(secondsLeft(plan("blocked", running), 0)).toBeUndefined();
  // Longer than ever before: what is left is the rest, not less than nothing.
  expect(secondsLeft(plan("running", running, coming), 500)).toBe(100);
});

test("the headline counts what is done", () => {
  const steps = [step({ state: "done" }), step({ state: "running" })];
  expect(headline(plan("running", ...steps), 0)).toBe("1 of 2 steps are done.");
  expect(headline(plan("blocked", ...steps), 0)).toBe("1 of 2 steps are done. The install stopped.");
  expect(headline(plan("complete", step({ state: "done" })), 0)).toBe("All 1 steps are done.");
});

test("what happens by itself is said with its time, which runs down", () => {
  const auto: AutoRetry = { willRetry: true, exhausted: false, attempts: 1, maxAttempts: 5, nextAttemptInSeconds: 30 };
  expect(automatic(auto, 10)).toBe("It goes on by itself in 20 seconds, attempt 2 of 5.");
  expect(automatic(auto, 99)).toBe("It goes on by itself now, attempt 2 of 5.");
  expect(automatic({ ...auto, waitingFor: "ghcr.io does not answer since 14:02; it is asked again at 14:05." }, 10)).toBe("ghcr.io does not answer since 14:02; it is asked again at 14:05.");
  expect(automatic({ ...auto, willRetry: false }, 0)).toBeUndefined();
  expect(automatic(null, 0)).toBeUndefined();
});
