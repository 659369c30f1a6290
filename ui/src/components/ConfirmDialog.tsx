import { type ReactNode, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Modal, ModalBody, ModalFooter, ModalHeader } from "@patternfly/react-core/dist/esm/components/Modal";
import { type ApiFailure, asFailure } from "../api/failure";
import { Failed } from "./ErrorState";

interface Confirm {
  title: string;
  /** What will happen, and what that means for the users. */
  children: ReactNode;
  /** What is done, as a verb: "Restart", not "OK". */
  action: string;
  danger?: boolean;
  /** Does it; the dialog stays until that is done, and shows why it was not. */
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}

/** Asks before something that cannot be taken back. */
export function ConfirmDialog({ title, children, action, danger, onConfirm, onClose }: Confirm) {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const confirm = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (thrown) {
      setFailure(asFailure(thrown));
      setBusy(false);
    }
  };
  return (
    <Modal isOpen variant="small" aria-labelledby="confirm-title" onClose={() => !busy && onClose()}>
      <ModalHeader title={title} labelId="confirm-title" />
      <ModalBody>
        {children}
        {failure && <Failed failure={failure} />}
      </ModalBody>
      <ModalFooter>
        <Button variant={danger ? "danger" : "primary"} onClick={() => void confirm()} isLoading={busy} isDisabled={busy}>
          {action}
        </Button>
        <Button variant="link" onClick={onClose} isDisabled={busy}>
          Cancel
        </Button>
      </ModalFooter>
    </Modal>
  );
}
