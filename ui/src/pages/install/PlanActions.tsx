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
  const [cancelling, setCancelling] = useState(false);
  const retry = async () => {
    setBusy(true);
    setFailure(undefined);
    await retrySetup().catch((thrown: unknown) => setFailure(asFailure(thrown)));
    setBusy(false);
  };
  const editable = plan.editable && plan.state !== "empty";
  if (!plan.canRetry && !plan.canCancel && !editable && !failure) return null;
  return (
    <div className={styles["actions"]}>
      {plan.canRetry && (
        <Button onClick={() => void retry()} isDisabled={busy} isLoading={busy} data-testid="retry">
          {plan.autoRetry?.willRetry ? "Try again now" : "Try again"}
        </Button>
      )}
      {editable && (
        <Link to="/setup/" className="pf-v6-c-button pf-m-secondary" data-testid="edit">
          Correct the answers
        </Link>
      )}
      {plan.canCancel && (
        <Button variant="link" isDanger onClick={() => setCancelling(true)} data-testid="cancel">
          Cancel the install
        </Button>
      )}
      {failure && <Failed failure={failure} />}
      {cancelling && (
        <ConfirmDialog title="Cancel the install?" action="Cancel the install" danger onConfirm={cancelSetup} onClose={() => setCancelling(false)}>
          It stops after what it is doing just now, and stays stopped, also over a restart. What is done is kept; you can go on from there later.
        </ConfirmDialog>
      )}
    </div>
  );
}
