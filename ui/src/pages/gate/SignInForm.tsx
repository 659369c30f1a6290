import { type FormEvent, useRef, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { login } from "../../api/auth";
import { PasswordField } from "../../components/Field";
import { useAttempt } from "./attempt";
import { Refusal } from "./Refusal";

/** The management password for a session; on its own page and in the dialog over another. */
export function SignInForm({ onDone }: { onDone: () => Promise<void> }) {
  const [password, setPassword] = useState("");
  const attempt = useAttempt();
  const field = useRef<HTMLDivElement>(null);
  const blocked = password === "" || attempt.busy || attempt.lockedFor > 0;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (blocked) return;
    const signedIn = await attempt.run(async () => {
      await login(password);
      await onDone();
    });
    if (!signedIn) field.current?.querySelector("input")?.select();
  };
  return (
    <Form onSubmit={(event) => void submit(event)} aria-label="Sign in">
      <input type="text" name="username" autoComplete="username" value="appliance" readOnly hidden />
      <div ref={field}>
        <PasswordField
          id="password"
          label="Management password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          autoFocus
          error={attempt.failure?.code === "wrong_password" ? attempt.failure.sentence : undefined}
        />
      </div>
      {attempt.failure?.code !== "wrong_password" && <Refusal attempt={attempt} id="sign-in-refusal" />}
      <Button type="submit" isDisabled={blocked} isLoading={attempt.busy}>
        {attempt.lockedFor > 0 ? `Sign in (in ${attempt.lockedFor} s)` : "Sign in"}
      </Button>
    </Form>
  );
}
