import { type FormEvent, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { Radio } from "@patternfly/react-core/dist/esm/components/Radio";
import { applyLicense, type ManageStatus, type PartError, redeemCode } from "../../api/manage";
import { Field, PasswordField } from "../../components/Field";
import { Moment } from "../../components/Moment";
import { useNow } from "../../components/now";
import { StateLabel } from "../../components/StateLabel";
import { exact, parseTime } from "../../text/time";
import { Card, Outcome } from "./Card";
import { about, isSaid, useChange } from "./form";
import { edition, licence } from "./licence";
import styles from "./Manage.module.css";

interface LicenseProps {
  license: ManageStatus["license"];
  errors: readonly PartError[];
  onChanged: () => Promise<void>;
}

/** What the licence is worth, and how it becomes another. */
export function LicenseCard({ license, errors, onChanged }: LicenseProps) {
  const now = useNow();
  const { status, word, sentence } = licence(license, now);
  const expires = parseTime(license.expiresAt);
  return (
    <Card title="Licence" errors={errors} testId="license">
      <dl className={styles["facts"]}>
        <dt>State</dt>
        <dd>
          <StateLabel status={status}>{word}</StateLabel> {expires && !license.perpetual ? <span title={exact(expires)}>{sentence}</span> : sentence}
        </dd>
        <dt>Edition</dt>
        <dd>{edition(license.edition)}</dd>
        {license.lastCheckinAt && (
          <>
            <dt>Last check-in</dt>
            <dd>
              <Moment at={license.lastCheckinAt} />
            </dd>
          </>
        )}
      </dl>
      {license.source === "seed-fallback" && <p className={styles["small"]}>The application itself could not be asked; this is what is kept for its recovery.</p>}
      <Renew onChanged={onChanged} />
    </Card>
  );
}

const CODE_REFUSALS = ["invalid_claim_code", "expired_claim_code", "consumed_claim_code", "superseded_claim_code", "tenant_mismatch"];

function Renew({ onChanged }: { onChanged: () => Promise<void> }) {
  const [kind, setKind] = useState<"code" | "key">("code");
  const [code, setCode] = useState("");
  const [key, setKey] = useState("");
  const change = useChange();
  const typed = (kind === "code" ? code : key).trim();
  const refusals = kind === "code" ? CODE_REFUSALS : ["invalid_license_key", "tenant_mismatch"];
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (typed === "" || change.busy) return;
    const done = await change.run(async () => {
      await (kind === "code" ? redeemCode(typed) : applyLicense(typed));
      return "The licence is in use.";
    });
    if (!done) return;
    setCode("");
    setKey("");
    await onChanged();
  };
  const wrong = about(change.failure, kind === "code" ? "claimCode" : "licenseKey", ...refusals);
  return (
    <Form onSubmit={(event) => void submit(event)} aria-label="Licence">
      <div role="radiogroup" aria-label="What you have">
        <Radio id="by-code" name="license-kind" label="An install code from the portal" isChecked={kind === "code"} onChange={() => setKind("code")} />
        <Radio id="by-key" name="license-kind" label="A licence key" isChecked={kind === "key"} onChange={() => setKind("key")} />
      </div>
      {kind === "code" ? (
        <Field id="claim-code" label="Install code" value={code} onChange={setCode} error={wrong} hint="Spaces, hyphens and case do not matter. It can be used once." autoCapitalize="characters" />
      ) : (
        <PasswordField id="license-key" label="Licence key" value={key} onChange={setKey} error={wrong} hint="Three parts with dots between them, as the portal shows it." />
      )}
      <Outcome change={change} said={wrong !== undefined || isSaid(change.failure, [])} />
      <div>
        <Button type="submit" variant="secondary" isDisabled={typed === "" || change.busy} isLoading={change.busy}>
          {kind === "code" ? "Redeem the code" : "Apply the key"}
        </Button>
      </div>
    </Form>
  );
}
