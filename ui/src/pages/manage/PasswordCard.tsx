import { type FormEvent, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { changePassword } from "../../api/auth";
import { PasswordField } from "../../components/Field";
import { PasswordRules } from "../../components/PasswordRules";
import { isMet, managementRules } from "../../text/policy";
import { Card, Outcome } from "./Card";
import { about, isSaid, useChange } from "./form";

/** The password of these pages. */
export function PasswordCard() {
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const change = useChange();
  const rules = managementRules(password);
  const blocked = change.busy || current === "" || !isMet(rules) || password !== again;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (blocked) return;
    const done = await change.run(async () => {
      await changePassword(current, password, again);
      return "The management password is changed. Other browsers must sign in with it anew.";
    });
    if (!done) return;
    setCurrent("");
    setPassword("");
    setAgain("");
  };
  const differs = again !== "" && again.length >= password.length && again !== password;
  return (
    <Card title="Management password" testId="management-password">
      <p>The password that opens these pages.</p>
      <Form onSubmit={(event) => void submit(event)} aria-label="Management password">
        <input type="text" name="username" autoComplete="username" value="appliance" readOnly hidden />
        <PasswordField id="current" label="Current password" value={current} onChange={setCurrent} autoComplete="current-password" error={about(change.failure, "currentPassword", "wrong_password")} />
        <PasswordField id="changed" label="New password" value={password} onChange={setPassword} autoComplete="new-password" error={about(change.failure, "newPassword", "weak_password")} />
        {password !== "" && <PasswordRules rules={rules} />}
        <PasswordField id="changed-again" label="New password again" value={again} onChange={setAgain} autoComplete="new-password" error={differs ? "The two passwords are not the same." : about(change.failure, "passwordConfirm", "password_mismatch")} />
        <Outcome change={change} said={isSaid(change.failure, ["currentPassword", "newPassword", "passwordConfirm"], "wrong_password", "weak_password", "password_mismatch")} />
        <div>
          <Button type="submit" variant="secondary" isDisabled={blocked} isLoading={change.busy}>
            Change the password
          </Button>
        </div>
      </Form>
    </Card>
  );
}
