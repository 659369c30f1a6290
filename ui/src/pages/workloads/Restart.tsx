import { useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { type Deployment, restart, RESTARTABLE } from "../../api/workloads";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { APPLICATION } from "./place";
import styles from "./Workloads.module.css";

/** What users notice of a restart, by workload. */
const NOTICED: Record<string, string> = {
  "alga-core-sebastian": "Users may have to wait or sign in again for a minute or two.",
  pgbouncer: "The application waits for its database for some seconds.",
};

/** Makes the pods of a Deployment anew, where that can do no harm. */
export function Restart({ deployment, onRestarted }: { deployment: Deployment; onRestarted: () => Promise<void> }) {
  const [asking, setAsking] = useState(false);
  const [begun, setBegun] = useState(false);
  if (deployment.namespace !== APPLICATION || !RESTARTABLE.includes(deployment.name)) return null;
  const confirm = async () => {
    await restart(deployment.name);
    setBegun(true);
    await onRestarted();
  };
  return (
    <div className={styles["filters"]}>
      <Button variant="secondary" onClick={() => setAsking(true)} className={styles["button"]}>
        Restart…
      </Button>
      {begun && <Alert variant="success" isInline isPlain title="The restart has begun; its pods below are made anew one after the other." />}
      {asking && (
        <ConfirmDialog title={`Restart ${deployment.name}?`} action="Restart" onConfirm={confirm} onClose={() => setAsking(false)}>
          <p>Its pods are made anew, one after the other. No data is lost.</p>
          <p>{NOTICED[deployment.name] ?? "Users notice at most that background work pauses for a moment."}</p>
        </ConfirmDialog>
      )}
    </div>
  );
}
