import type { AutoRetry, Plan, PlanStep } from "../../api/setup";
import { inWords } from "../../text/time";

/** What the page says of a plan. Pure: the time since the plan came is given. */

/** How long a step has been taking, or took; counted on while it runs. */
export function stepSeconds(step: PlanStep, sincePlan: number): number | undefined {
  if (step.elapsedSeconds === undefined) return undefined;
  return step.state === "running" ? step.elapsedSeconds + Math.max(0, sincePlan) : step.elapsedSeconds;
}

/**
 * How long the rest takes, from how long each step took on this box before. Where one of them never ran
 * here there is no estimate: a guess from another machine would be a lie.
 */
export function secondsLeft(plan: Plan, sincePlan: number): number | undefined {
  if (plan.state !== "running") return undefined;
  let left = 0;
  for (const step of plan.steps) {
    if (step.state === "done") continue;
    if (step.typicalSeconds === undefined) return undefined;
    left += Math.max(0, step.typicalSeconds - (step.state === "running" ? (stepSeconds(step, sincePlan) ?? 0) : 0));
  }
  return left;
}

/** The line under the steps' heading. */
export function headline(plan: Plan, sincePlan: number): string {
  const done = plan.steps.filter((step) => step.state === "done").length;
  const of = `${done} of ${plan.steps.length} steps are done`;
  switch (plan.state) {
    case "empty":
      return "No install was started yet.";
    case "queued":
      return "The install starts in a moment.";
    case "running": {
      const left = secondsLeft(plan, sincePlan);
      return left === undefined ? `${of}.` : `${of}, about ${inWords(Math.max(left, 1))} left.`;
    }
    case "blocked":
      return `${of}. The install stopped.`;
    case "interrupted":
      return `${of}. The install was interrupted.`;
    case "cancelled":
      return `${of}. The install was cancelled.`;
    case "complete":
      return `All ${plan.steps.length} steps are done.`;
  }
}

/** What happens by itself, and when; nothing when nothing does. */
export function automatic(auto: AutoRetry | null, sincePlan: number): string | undefined {
  if (!auto?.willRetry) return undefined;
  if (auto.waitingFor) return auto.waitingFor;
  const left = Math.max(0, Math.ceil((auto.nextAttemptInSeconds ?? 0) - sincePlan));
  const attempt = `attempt ${auto.attempts + 1} of ${auto.maxAttempts}`;
  return left === 0 ? `It goes on by itself now, ${attempt}.` : `It goes on by itself in ${inWords(left)}, ${attempt}.`;
}
