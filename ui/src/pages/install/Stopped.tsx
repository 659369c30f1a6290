import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import type { Failure, Plan } from "../../api/setup";
import { Link } from "../../app/router";
import { Moment } from "../../components/Moment";
import { CorrectCode } from "./CorrectCode";
import styles from "./Install.module.css";
import { automatic } from "./steps";

/** Why the install stopped, what that means, what to do; and what it does by itself. */
export function Stopped({ plan, failure, sincePlan }: { plan: Plan; failure: Failure; sincePlan: number }) {
  const next = automatic(plan.autoRetry, sincePlan);
  const aboutCode = failure.step === "redeem-install-code";
  return (
    <section aria-label="Why it stopped" className={styles["stopped"]} data-testid="stopped" data-step={failure.step}>
      <Alert variant={next ? "warning" : "danger"} isInline title={failure.message}>
        {failure.suspectedCause !== failure.message && <p>{failure.suspectedCause}</p>}
        {next ? (
          <p data-testid="automatic">
            {next}
            {failure.transient && " Nothing is wrong with this box, and you need not do anything."}
          </p>
        ) : (
          <p>
            <strong>What to do:</strong> {failure.suggestedNextStep}
          </p>
        )}
        {plan.since && (
          <p className={styles["subtle"]}>
            It stopped <Moment at={plan.since} />.
          </p>
        )}
      </Alert>
      {aboutCode && plan.editable && <CorrectCode />}
      {!next && (
        <p className={styles["subtle"]}>
          If that does not help: <Link to="/support-bundle">make a support bundle</Link> and send it to support.
        </p>
      )}
    </section>
  );
}
