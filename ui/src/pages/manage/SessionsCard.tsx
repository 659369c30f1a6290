import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { logoutAll } from "../../api/auth";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { session } from "../../session/session";
import { Card } from "./Card";

/** Ends every session, this one too. */
export function SessionsCard() {
  const [asking, setAsking] = useState(false);
  const confirm = async () => {
    await logoutAll();
    session.leave();
  };
  return (
    <Card title="Sessions" testId="sessions">
      <p>Ends every session of these pages, on all devices: use it when a device was lost, or when somebody leaves.</p>
      <div>
        <Button variant="secondary" onClick={() => setAsking(true)}>
          Sign out everywhere…
        </Button>
      </div>
      {asking && (
        <ConfirmDialog title="Sign out everywhere?" action="Sign out everywhere" danger onConfirm={confirm} onClose={() => setAsking(false)}>
          <p>You are signed out here as well and sign in again with the management password. Users of the application notice nothing.</p>
        </ConfirmDialog>
      )}
    </Card>
  );
}
