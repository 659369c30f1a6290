import { type FormEvent, useEffect, useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { type ManageStatus, type PartError, resetAdministrator, resetOperation, type ResetOperation, type ResetState } from "../../api/manage";
import { PasswordField } from "../../components/Field";
import { Moment } from "../../components/Moment";
import { PasswordRules } from "../../components/PasswordRules";
import { isMet, psaRules } from "../../text/policy";
import { Card, Outcome } from "./Card";
import { about, isSaid, useChange } from "./form";
import styles from "./Manage.module.css";

interface AdministratorProps {
  reset: ManageStatus["adminPasswordReset"];
  errors: readonly PartError[];
  onChanged: () => Promise<void>;
}

const WEAK = ["weak_password", "password_surrounded_by_space"];
const POLL_MS = 2000;

/** A new password for the application's first administrator. */
export function AdministratorCard({ reset, errors, onChanged }: AdministratorProps) {
  const [operation, setOperation] = useState<ResetOperation | null | undefined>(reset.operation);
  const running = operation?.state === "running";
  useEffect(() => {
    if (!running) return;
    const closing = new AbortController();
    const ask = async () => {
      const answer = await resetOperation(closing.signal).catch(() => undefined);
      if (answer && !closing.signal.aborted) setOperation(answer.operation);
    };
    const timer = setInterval(() => void ask(), POLL_MS);
    return () => {
      closing.abort();
      clearInterval(timer);
    };
  }, [running]);
  return (
    <Card title="Administrator of the application" errors={errors} testId="administrator">
      <p>
        {reset.email ? (
          <>
            Sets a new password for <strong>{reset.email}</strong>, the first administrator of Alga PSA.
          </>
        ) : (
          "Sets a new password for the first administrator of Alga PSA."
        )}{" "}
        <span className={styles["small"]}>These pages have a password of their own.</span>
      </p>
      {operation && <Progress operation={operation} />}
      {reset.available ? (
        <ResetForm isBlocked={running} onBegun={setOperation} onChanged={onChanged} />
      ) : (
        <Alert variant="info" isInline title={reset.reason ?? "This is not possible before the application is installed."} data-testid="reset-unavailable" />
      )}
    </Card>
  );
}

function Progress({ operation }: { operation: ResetOperation }) {
  const variants: Record<ResetState, "info" | "success" | "danger" | "warning"> = { running: "info", succeeded: "success", failed: "danger", unknown: "warning" };
  return (
    <div role="status">
      <Alert variant={variants[operation.state]} isInline title={operation.message} data-testid="reset-operation" data-state={operation.state}>
        Begun <Moment at={operation.startedAt} />.
      </Alert>
    </div>
  );
}

function ResetForm({ isBlocked, onBegun, onChanged }: { isBlocked: boolean; onBegun: (operation: ResetOperation) => void; onChanged: () => Promise<void> }) {
  const [password, setPassword] = useState("");
  const [again, setAgain] = useState("");
  const [current, setCurrent] = useState("");
  const change = useChange();
  const rules = psaRules(password);
  const blocked = isBlocked || change.busy || !isMet(rules) || password !== again || current === "";
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (blocked) return;
    const done = await change.run(async () => {
      onBegun((await resetAdministrator(password, again, current)).operation);
      return "";
    });
    if (!done) return;
    setPassword("");
    setAgain("");
    setCurrent("");
    await onChanged();
  };
  const differs = again !== "" && again.length >= password.length && again !== password;
  return (
    <Form onSubmit={(event) => void submit(event)} aria-label="Administrator's password">
      <PasswordField id="psa-password" label="New password" value={password} onChange={setPassword} autoComplete="new-password" error={about(change.failure, "password", ...WEAK)} />
      {password !== "" && <PasswordRules rules={rules} />}
      <PasswordField
        id="psa-password-again"
        label="New password again"
        value={again}
        onChange={setAgain}
        autoComplete="new-password"
        error={differs ? "The two passwords are not the same." : about(change.failure, "passwordConfirm", "password_mismatch")}
      />
      <PasswordField
        id="psa-current"
        label="Your management password"
        value={current}
        onChange={setCurrent}
        autoComplete="current-password"
        error={about(change.failure, "currentPassword", "wrong_password")}
        hint="Asked for once more, because whoever has this session could otherwise take over the application."
      />
      <Outcome change={change} said={isSaid(change.failure, ["password", "passwordConfirm", "currentPassword"], ...WEAK, "password_mismatch", "wrong_password")} />
      <div>
        <Button type="submit" variant="secondary" isDisabled={blocked} isLoading={change.busy}>
          Set the new password
        </Button>
      </div>
    </Form>
  );
}
