import { type FormEvent, useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { Radio } from "@patternfly/react-core/dist/esm/components/Radio";
import { changeAddress, type ManageStatus, type PartError } from "../../api/manage";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Field } from "../../components/Field";
import { Moment } from "../../components/Moment";
import { Card, Outcome } from "./Card";
import { about, isSaid, useChange } from "./form";
import styles from "./Manage.module.css";

interface AddressProps {
  address: ManageStatus["appUrl"];
  errors: readonly PartError[];
  onChanged: () => Promise<void>;
}

interface Typed {
  url?: string;
  mode?: "system" | "custom";
  servers?: string;
}

const FIELDS = ["appHostname", "dnsMode", "dnsServers"];

/** Where users reach the application, and whom the appliance asks for names. */
export function AddressCard({ address, errors, onChanged }: AddressProps) {
  // What is not typed over is as the appliance says, also when that changes.
  const [typed, setTyped] = useState<Typed>({});
  const url = typed.url ?? address.url ?? "";
  const mode = typed.mode ?? address.dnsMode;
  const servers = typed.servers ?? address.dnsServers.join(", ");
  const [asking, setAsking] = useState(false);
  const change = useChange();
  const isSame = url.trim() === (address.url ?? "") && mode === address.dnsMode && (mode === "system" || servers === address.dnsServers.join(", "));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (url.trim() !== "" && !isSame && !change.busy) setAsking(true);
  };
  const confirm = async () => {
    const done = await change.run(async () => {
      const changed = await changeAddress(url.trim(), mode, mode === "custom" ? servers : "");
      return `${changed.message} ${mode === "custom" ? changed.dns.message : ""}`.trim();
    });
    if (!done) return;
    await onChanged();
    setTyped({});
  };
  return (
    <Card title="Application address" errors={errors} testId="address">
      {address.pendingSince && (
        <Alert variant="info" isInline title="A new address is being brought into use">
          It was stored <Moment at={address.pendingSince} />; what could not be done yet is tried again by itself.
        </Alert>
      )}
      <Form onSubmit={submit} aria-label="Application address">
        <Field
          id="app-url"
          label="Address"
          value={url}
          onChange={(value) => setTyped({ ...typed, url: value })}
          inputMode="url"
          autoCapitalize="none"
          error={about(change.failure, "appHostname")}
          hint="What users type into their browsers, for example https://psa.example.com. It must lead to this box: a name needs an entry in your DNS."
        />
        <div role="radiogroup" aria-label="Name servers">
          <Radio id="dns-system" name="dns-mode" label="Name servers of the host" isChecked={mode === "system"} onChange={() => setTyped({ ...typed, mode: "system" })} />
          <Radio id="dns-custom" name="dns-mode" label="Other name servers" isChecked={mode === "custom"} onChange={() => setTyped({ ...typed, mode: "custom" })} />
        </div>
        {mode === "custom" && (
          <Field
            id="dns-servers"
            label="Name servers"
            value={servers}
            onChange={(value) => setTyped({ ...typed, servers: value })}
            error={about(change.failure, "dnsServers", "dnsMode")}
            hint="Addresses with commas between them. The control plane asks them when it looks for releases; the host keeps its own."
          />
        )}
        <Outcome change={change} said={isSaid(change.failure, FIELDS)} />
        <div>
          <Button type="submit" variant="secondary" isDisabled={url.trim() === "" || isSame || change.busy} isLoading={change.busy}>
            Change the address…
          </Button>
        </div>
      </Form>
      {asking && (
        <ConfirmDialog title="Change the address?" action="Change the address" onConfirm={confirm} onClose={() => setAsking(false)}>
          <p>
            Users reach the application at <strong>{url.trim()}</strong> from then on{address.url && url.trim() !== address.url && <>, no longer at {address.url}</>}.
          </p>
          <p>Its services restart with it within a few minutes; users may have to sign in again. Links in e-mails that were sent before lead to the old address.</p>
        </ConfirmDialog>
      )}
      <p className={styles["small"]}>These pages keep their own address.</p>
    </Card>
  );
}
