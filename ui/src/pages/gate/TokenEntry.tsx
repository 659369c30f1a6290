import { type FormEvent, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { redeemToken } from "../../api/auth";
import { session } from "../../session/session";
import { isFull, joined, noDigits } from "../../text/digits";
import { useAttempt } from "./attempt";
import { Frame } from "./Frame";
import { Refusal } from "./Refusal";
import { TokenBoxes } from "./TokenBoxes";

/** The token of the console opens a box that has no password yet. */
export function TokenEntry() {
  const [digits, setDigits] = useState(noDigits);
  const attempt = useAttempt();
  const blocked = !isFull(digits) || attempt.busy || attempt.lockedFor > 0;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (blocked) return;
    const redeemed = await attempt.run(() => redeemToken(joined(digits)));
    // Somebody else may have been first; the state says what comes now.
    if (redeemed || attempt.failure?.status === 409) await session.refresh();
  };
  return (
    <Frame title="Enter the setup token" wide>
      <p>The appliance's console shows twenty digits in five groups. You can also paste them, or scan the code beside them.</p>
      <Form onSubmit={(event) => void submit(event)} aria-label="Setup token">
        <fieldset>
          <legend className="pf-v6-screen-reader">Setup token</legend>
          <TokenBoxes digits={digits} onChange={setDigits} invalid={attempt.failure?.code === "wrong_token"} describedBy={attempt.failure && "token-refusal"} />
        </fieldset>
        <Refusal attempt={attempt} id="token-refusal" />
        <Button type="submit" isDisabled={blocked} isLoading={attempt.busy}>
          Continue
        </Button>
      </Form>
    </Frame>
  );
}
