import { useEffect, useRef } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Modal, ModalBody, ModalHeader } from "@patternfly/react-core/dist/esm/components/Modal";
import { session, useSession } from "../../session/session";
import styles from "./Frame.module.css";
import { SignInForm } from "./SignInForm";

/** Over the page that was open when the session ended: what was typed there stays. */
export function SignInAgain() {
  const { auth } = useSession();
  const focused = useRef<Element | null>(null);
  useEffect(() => {
    const before = focused.current;
    return () => void (before instanceof HTMLElement && before.isConnected && before.focus());
  }, []);
  focused.current ??= document.activeElement;
  const mayReturn = auth?.phase !== "needs-token" && auth?.phase !== "credential-error";
  return (
    <Modal isOpen variant="small" aria-labelledby="again-title" data-testid="sign-in-again">
      <ModalHeader title="Your session has ended" labelId="again-title" description={mayReturn ? "Sign in to go on. What you typed on this page is kept." : undefined} />
      <ModalBody>
        {mayReturn ? <SignInForm onDone={session.refresh} /> : <p>The management password was reset on the appliance, so this session cannot be continued.</p>}
        <p className={styles["leave"]}>
          <Button variant="link" isInline onClick={session.leave}>
            Leave this page
          </Button>
        </p>
      </ModalBody>
    </Modal>
  );
}
