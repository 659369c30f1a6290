import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import type { Plan } from "../../api/setup";
import { automatic } from "./steps";

/** What one should know beside the steps: an interruption, somebody else at work, a wait. */
export function Notice({ plan, sincePlan }: { plan: Plan; sincePlan: number }) {
  // A stop says itself when it goes on.
  const said = plan.state === "blocked" && automatic(plan.autoRetry, sincePlan) ? undefined : plan.notice;
  // A step that waits says so in its own line.
  if (!said || plan.steps.some((step) => step.waitsFor === said)) return null;
  return <Alert variant={plan.state === "blocked" ? "warning" : "info"} isInline title={said} data-testid="notice" />;
}
