import { type FormEvent, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { setPassword } from "../../api/auth";
import { PasswordField } from "../../components/Field";
import { PasswordRules } from "../../components/PasswordRules";
import { session } from "../../session/session";
import { isMet, managementRules } from "../../text/policy";
import { useAttempt } from "./attempt";
import { Frame } from "./Frame";
import { Refusal } from "./Refusal";

/** The first password of these pages, chosen by whoever had the token. */
export function ChoosePassword() {
  const [password, setNew] = useState("");
  const [again, setAgain] = useState("");
  const [left, setLeft] = useState(false);
  const attempt = useAttempt();
  const rules = managementRules(password);
  const differs = again !== "" && again !== password;
  const blocked = !isMet(rules) || again !== password || attempt.busy || attempt.lockedFor > 0;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setLeft(true);
    if (blocked) return;
    // A ticket lasts ten minutes; without one the token is asked for again.
    await attempt.run(() => setPassword(password, again).finally(() => session.refresh()));
  };
  return (
    <Frame title="Choose a management password">
      <p>It opens these pages: setup, status and management of this appliance. It is not the password of the application's users.</p>
      <Form onSubmit={(event) => void submit(event)} aria-label="Management password">
        <input type="text" name="username" autoComplete="username" value="appliance" readOnly hidden />
        <PasswordField id="new-password" label="Password" value={password} onChange={setNew} autoComplete="new-password" autoFocus required />
        <PasswordRules rules={rules} />
        <PasswordField
          id="new-password-again"
          label="Password again"
          value={again}
          onChange={setAgain}
          autoComplete="new-password"
          required
          error={differs && (left || again.length >= password.length) ? "The two passwords are not the same." : undefined}
        />
        <Refusal attempt={attempt} id="password-refusal" />
        <Button type="submit" isDisabled={blocked} isLoading={attempt.busy}>
          Set the password
        </Button>
      </Form>
    </Frame>
  );
}
