import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { inWords } from "../../text/time";
import type { Attempt } from "./attempt";

/** Why one did not come in; while locked out, for how long still. */
export function Refusal({ attempt, id }: { attempt: Attempt; id: string }) {
  const { failure, lockedFor } = attempt;
  if (!failure) return null;
  const locked = failure.status === 429;
  if (locked && lockedFor === 0) {
    return <Alert id={id} variant="info" isInline title="You may try again now." data-testid="refusal" data-code="lockout_over" />;
  }
  const title = locked ? `Locked for ${inWords(lockedFor)}` : failure.sentence;
  return (
    <div role="alert" data-testid="refusal" data-code={failure.code}>
      <Alert id={id} variant={locked ? "warning" : "danger"} isInline title={title}>
        {locked && "There were too many wrong attempts from this device's address. Waiting is enough; nothing else is locked."}
      </Alert>
    </div>
  );
}
