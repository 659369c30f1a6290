import { FormGroup } from "@patternfly/react-core/dist/esm/components/Form";
import { Radio } from "@patternfly/react-core/dist/esm/components/Radio";
import { Field } from "../../components/Field";
import type { SectionProps } from "./AnswersForm";
import styles from "./Setup.module.css";

/** Which DNS servers are asked; under "Advanced", and beside a check that found them wanting. */
export function DnsField({ answers, found, onChange, resolvers }: SectionProps & { resolvers: readonly string[] }) {
  const own = resolvers.length > 0 ? `Those of this box (${resolvers.join(", ")})` : "Those of this box (it has none)";
  return (
    <>
      <FormGroup role="radiogroup" fieldId="dnsMode" label="DNS servers" isStack className={styles["choices"]}>
        <Radio id="dnsMode" name="dns-mode" label={own} isChecked={answers.dnsMode !== "custom"} onChange={() => onChange({ dnsMode: "system" })} />
        <Radio id="dns-custom" name="dns-mode" label="Others" isChecked={answers.dnsMode === "custom"} onChange={() => onChange({ dnsMode: "custom" })} />
      </FormGroup>
      {answers.dnsMode === "custom" && (
        <Field
          id="dnsServers"
          label="Addresses of the DNS servers"
          value={answers.dnsServers}
          onChange={(dnsServers) => onChange({ dnsServers })}
          error={found.dnsServers}
          hint="One to three, separated by commas, for example 10.0.0.53, 10.0.0.54"
          autoCapitalize="none"
          required
        />
      )}
    </>
  );
}
