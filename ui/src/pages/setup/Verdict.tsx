import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import type { Preflight } from "../../api/setup";
import { Failed } from "../../components/ErrorState";
import { Moment } from "../../components/Moment";
import { sorted } from "./checks";
import type { Checking } from "./preflight";
import styles from "./Setup.module.css";

/** The checks in one sentence. */
export function Verdict({ checking, waived, onAgain }: { checking: Checking; waived: readonly string[]; onAgain: () => void }) {
  const { preflight, failure, busy } = checking;
  return (
    <div className={styles["verdict"]} role="status" data-testid="verdict" data-busy={busy}>
      {failure ? (
        <Failed failure={failure} onRetry={onAgain} />
      ) : preflight?.report && !busy ? (
        <Said preflight={preflight} waived={waived} onAgain={onAgain} />
      ) : (
        <Alert variant="info" isInline title="Checking this box and its network…">
          This takes ten seconds at most.
        </Alert>
      )}
    </div>
  );
}

function Said({ preflight, waived, onAgain }: { preflight: Preflight; waived: readonly string[]; onAgain: () => void }) {
  const { stops, odd, well } = sorted(preflight.report?.checks ?? [], waived);
  const stopping = stops.length + (preflight.release?.ok === false ? 1 : 0);
  const again = (
    <Button variant="link" isInline onClick={onAgain} data-testid="check-again">
      Check again
    </Button>
  );
  const when = (
    <>
      {well.length} checks passed, <Moment at={preflight.report?.checkedAt} />.
    </>
  );
  if (stopping > 0) {
    return (
      <Alert variant="danger" isInline title={stopping === 1 ? "One thing stops the install" : `${stopping} things stop the install`} actionLinks={again}>
        Mend what is listed below, then check again. Nothing has been written yet.
      </Alert>
    );
  }
  const title = odd.length === 0 ? "This box is ready" : odd.length === 1 ? "This box is ready; one thing is odd" : `This box is ready; ${odd.length} things are odd`;
  return (
    <Alert variant={odd.length === 0 ? "success" : "warning"} isInline title={title} actionLinks={again}>
      {when}
    </Alert>
  );
}
