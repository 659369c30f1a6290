import { useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import type { ApiFailure } from "../api/failure";
import styles from "./ErrorState.module.css";

/** Stands where a page would be that could not be had: why, and another try. */
export function ErrorState({ failure, onRetry }: { failure: ApiFailure; onRetry?: () => unknown }) {
  return (
    <div className={styles["room"]}>
      <Failed failure={failure} {...(onRetry && { onRetry })} />
    </div>
  );
}

/** The same for a part of a page. */
export function Failed({ failure, onRetry }: { failure: ApiFailure; onRetry?: () => unknown }) {
  const [busy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      await onRetry?.();
    } finally {
      setBusy(false);
    }
  };
  const id = failure.body["correlationId"];
  return (
    <div role="alert" data-testid="failure" data-code={failure.code}>
      <Alert
        variant="danger"
        isInline
        title={failure.code === "unreachable" ? "No answer from the appliance" : "That did not work"}
        actionLinks={
          onRetry && (
            <Button variant="link" isInline onClick={() => void retry()} isLoading={busy} isDisabled={busy}>
              Try again
            </Button>
          )
        }
      >
        {failure.sentence}
        {typeof id === "string" && <> Its log has it under “{id}”.</>}
      </Alert>
    </div>
  );
}
