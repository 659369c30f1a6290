import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { elapsed } from "../../text/time";
import type { Attempt } from "./attempt";

/** Why one did not come in; while locked out, for how long still. */
export function Refusal({ attempt, id }: { attempt: Attempt; id: string }) {
  const { failure, lockedFor } = attempt;
  if (!failure) return null;
  const locked = failure.status === 429;
  if (locked && lockedFor === 0) {
    return <Alert id={id} variant="info" isInline title="You may try again now." data-testid="refusal" data-code="lockout_over" />;
  }
  return (
    <div data-testid="refusal" data-code={failure.code}>
      {/* Said once to those who listen; the seconds are for those who look. */}
      <span role="alert" className="pf-v6-screen-reader">
        {failure.sentence}
      </span>
      {locked ? (
        <Alert id={id} variant="warning" isInline title={`Locked for ${elapsed(lockedFor)}`}>
          There were too many wrong attempts from this device&apos;s address. Waiting is enough; nothing else is locked.
        </Alert>
      ) : (
        <Alert id={id} variant="danger" isInline title={failure.sentence} />
      )}
    </div>
  );
}
