import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { type ApiFailure, asFailure } from "../../api/failure";
import { cancelSetup, type Plan, retrySetup } from "../../api/setup";
import { Link } from "../../app/router";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/ErrorState";
import styles from "./Install.module.css";

/** What may be done now; nothing else is offered. */
export function PlanActions({ plan }: { plan: Plan }) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const retry = async () => {
    setBusy(true);
    setFailure(undefined);
    await retrySetup().catch((thrown: unknown) => setFailure(asFailure(thrown)));
    setBusy(false);
  };
  const editable = plan.editable && plan.state !== "empty";
  // The field for another code is what leads on; the same code once more hardly ever does.
  const asksForCode = plan.editable && plan.failure?.step === "redeem-install-code";
  if (!plan.canRetry && !editable && !failure) return null;
  return (
    <div className={styles["actions"]}>
      {plan.canRetry && (
        <Button variant={asksForCode ? "secondary" : "primary"} onClick={() => void retry()} isDisabled={busy} isLoading={busy} data-testid="retry">
          {plan.autoRetry?.willRetry ? "Try again now" : "Try again"}
        </Button>
      )}
      {editable && (
        <Link to="/setup/" className="pf-v6-c-button pf-m-secondary" data-testid="edit">
          Correct the answers
        </Link>
      )}
      {failure && <Failed failure={failure} />}
    </div>
  );
}

/** Stops what runs, or the attempts to come. */
export function CancelInstall() {
  const [asking, setAsking] = useState(false);
  return (
    <div>
      <Button variant="link" isInline isDanger onClick={() => setAsking(true)} data-testid="cancel">
        Cancel the install
      </Button>
      {asking && (
        <ConfirmDialog title="Cancel the install?" action="Cancel the install" danger onConfirm={cancelSetup} onClose={() => setAsking(false)}>
          It stops, and stays stopped, also over a restart. What is done is kept, and you can go on from there later.
        </ConfirmDialog>
      )}
    </div>
  );
}
