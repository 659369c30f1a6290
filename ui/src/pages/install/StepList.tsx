import type { ReactNode } from "react";
import CheckIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import FailedIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import WarningIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-triangle-icon";
import type { Plan, PlanStep, StepState } from "../../api/setup";
import { Moment } from "../../components/Moment";
import { elapsed } from "../../text/time";
import styles from "./Install.module.css";
import { stepSeconds } from "./steps";

/** The twelve steps in their order. */
export function StepList({ plan, sincePlan }: { plan: Plan; sincePlan: number }) {
  return (
    <ol className={styles["steps"]} aria-label="Steps of the install" data-testid="steps">
      {plan.steps.map((step) => (
        <Step key={step.id} step={step} sincePlan={sincePlan} />
      ))}
    </ol>
  );
}

const WORDS: Record<StepState, string> = {
  pending: "to come",
  running: "running",
  done: "done",
  failed: "failed",
  interrupted: "interrupted",
  cancelled: "cancelled",
};

const ICONS: Record<StepState, ReactNode> = {
  pending: <span className={styles["dot"]} />,
  running: <span className={styles["spinner"]} />,
  done: <CheckIcon />,
  failed: <FailedIcon />,
  interrupted: <WarningIcon />,
  cancelled: <WarningIcon />,
};

function Step({ step, sincePlan }: { step: PlanStep; sincePlan: number }) {
  const seconds = stepSeconds(step, sincePlan);
  return (
    <li className={styles["step"]} data-testid={`step-${step.id}`} data-state={step.state} aria-current={step.state === "running" ? "step" : undefined}>
      <span className={styles["icon"]} aria-hidden="true">
        {ICONS[step.state]}
      </span>
      <span className={styles["title"]}>
        {step.title}
        <span className="pf-v6-screen-reader">, {WORDS[step.state]}</span>
        {step.attempt > 1 && <span className={styles["subtle"]}> · attempt {step.attempt}</span>}
      </span>
      <span className={styles["took"]}>{seconds !== undefined && step.state !== "pending" && elapsed(seconds)}</span>
      <Detail step={step} />
    </li>
  );
}

/** What it is doing just now, or what became of it. */
function Detail({ step }: { step: PlanStep }) {
  if (step.state === "running") {
    return (
      <div className={styles["detail"]} aria-live="polite">
        <span data-testid="live-line">{step.waitsFor ?? step.progress ?? "Working…"}</span>
        {step.typicalSeconds !== undefined && <span className={styles["subtle"]}> Last time it took {elapsed(step.typicalSeconds)}.</span>}
      </div>
    );
  }
  if (step.state === "pending" || !step.summary) return null;
  return (
    <div className={styles["detail"]}>
      <span className={styles["subtle"]}>
        {step.summary}
        {step.state !== "done" && step.finishedAt && (
          <>
            , <Moment at={step.finishedAt} />
          </>
        )}
      </span>
    </div>
  );
}
