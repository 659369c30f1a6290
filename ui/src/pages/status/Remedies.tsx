import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { retrySetup } from "../../api/setup";
import type { Status } from "../../api/document";
import { type ApiFailure, asFailure } from "../../api/failure";
import { Link } from "../../app/router";
import { Failed } from "../../components/ErrorState";
import { canLogIn, loginUrl, remedy } from "./headline";
import { Repair } from "./Repair";
import styles from "./StatusPage.module.css";

/** What one click can do about the state, where that is safe. */
export function Remedies({ status }: { status: Status }) {
  const offered = remedy(status);
  const mayLogIn = canLogIn(status);
  if (!offered && !mayLogIn) return null;
  return (
    <div className={styles["buttons"]}>
      {mayLogIn && (
        <Button component="a" href={loginUrl(status)} target="_blank" rel="noopener noreferrer" data-testid="open-psa">
          Open Alga PSA
        </Button>
      )}
      {offered?.kind === "retry" && <Retry />}
      {offered?.kind === "enter-code" && (
        <Link to="/setup/" className="pf-v6-c-button pf-m-primary">
          Enter a new code
        </Link>
      )}
      {offered?.kind === "repair" && <Repair release={offered.release} />}
    </div>
  );
}

/** Setup goes on where it stopped; what is done already is not done again. */
function Retry() {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const retry = async () => {
    setBusy(true);
    setFailure(undefined);
    await retrySetup().catch((thrown: unknown) => setFailure(asFailure(thrown)));
    setBusy(false);
  };
  return (
    <>
      <Button variant="secondary" isLoading={busy} isDisabled={busy} onClick={() => void retry()}>
        Try again now
      </Button>
      {failure && <Failed failure={failure} />}
    </>
  );
}
