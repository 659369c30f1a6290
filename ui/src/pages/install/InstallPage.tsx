import { ErrorState } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import { useNow } from "../../components/now";
import { PageHeading } from "../../components/PageHeading";
import { StateLabel } from "../../components/StateLabel";
import type { Plan } from "../../api/setup";
import { Finish } from "./Finish";
import styles from "./Install.module.css";
import { CancelInstall, PlanActions } from "./PlanActions";
import { useStatus } from "../../live/status";
import { usePlan } from "./plan";
import { Stopped } from "./Stopped";
import { StepList } from "./StepList";
import { headline } from "./steps";
import { Notice } from "./Notice";

/** The install as it goes: the same from any browser, and it may be closed. */
export default function InstallPage() {
  const { plan, received, failure } = usePlan();
  const sincePlan = Math.max(0, (useNow().getTime() - received) / 1000);
  const isReady = useStatus().document?.tiers?.loginReady === true;
  if (!plan) return failure ? <ErrorState failure={failure} /> : <Loading label="Loading the install" />;
  return (
    <>
      <PageHeading title={plan.state === "complete" && isReady ? "Alga PSA is installed" : "Installing Alga PSA"} aside={<PlanState state={plan.state} isReady={isReady} />}>
        <span data-testid="headline">{headline(plan, sincePlan)}</span> {plan.state !== "complete" && "You may close this page; it is the same from any browser."}
      </PageHeading>
      <div className={styles["stack"]}>
        <Notice plan={plan} sincePlan={sincePlan} />
        {plan.failure && plan.state !== "complete" && plan.state !== "running" && <Stopped plan={plan} failure={plan.failure} sincePlan={sincePlan} />}
        {plan.state === "complete" && <Finish plan={plan} />}
        <PlanActions plan={plan} />
        <StepList plan={plan} sincePlan={sincePlan} />
        {plan.canCancel && <CancelInstall />}
      </div>
    </>
  );
}

const STATES: Record<Plan["state"], ["success" | "warning" | "danger" | "info" | "custom", string]> = {
  empty: ["custom", "Not started"],
  queued: ["info", "Starting"],
  running: ["info", "Running"],
  blocked: ["danger", "Stopped"],
  interrupted: ["warning", "Interrupted"],
  cancelled: ["warning", "Cancelled"],
  complete: ["success", "Done"],
};

/** The steps may be done while the application still starts: that is not the end of the install. */
function PlanState({ state, isReady }: { state: Plan["state"]; isReady: boolean }) {
  const [status, word] = state === "complete" && !isReady ? (["info", "Application is starting"] as const) : STATES[state];
  return (
    <span role="status" data-testid="plan-state" data-state={state}>
      <StateLabel status={status}>{word}</StateLabel>
    </span>
  );
}
