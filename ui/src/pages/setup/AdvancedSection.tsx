import { useState } from "react";
import { ExpandableSection } from "@patternfly/react-core/dist/esm/components/ExpandableSection";
import { FormGroup } from "@patternfly/react-core/dist/esm/components/Form";
import { Radio } from "@patternfly/react-core/dist/esm/components/Radio";
import type { SetupConfig } from "../../api/setup";
import { Field } from "../../components/Field";
import type { SectionProps } from "./AnswersForm";
import { ADVANCED } from "./answers";
import { DnsField } from "./DnsField";
import styles from "./Setup.module.css";

/** What hardly anybody needs to change. It opens by itself when something in it is wrong. */
export function AdvancedSection({ answers, found, onChange, network }: SectionProps & { network: SetupConfig["network"] }) {
  const [open, setOpen] = useState(false);
  // It stays open while one corrects what was wrong.
  if (!open && ADVANCED.some((name) => found[name])) setOpen(true);
  return (
    <ExpandableSection toggleText="Advanced" isExpanded={open} onToggle={(_, expanded) => setOpen(expanded)}>
      <div className={styles["section"]}>
        <Field
          id="appHostname"
          label="Address of the application"
          value={answers.appHostname}
          onChange={(appHostname) => onChange({ appHostname })}
          error={found.appHostname}
          hint="What users type to reach Alga PSA, for example https://psa.example.com. It can be changed later."
          inputMode="url"
          autoCapitalize="none"
          required
        />
        <DnsField answers={answers} found={found} onChange={onChange} resolvers={network.resolvers} />
        <FormGroup role="radiogroup" fieldId="channel" label="Release channel" isInline>
          <Radio id="channel" name="channel" label="Stable" isChecked={answers.channel === "stable"} onChange={() => onChange({ channel: "stable" })} />
          <Radio id="channel-nightly" name="channel" label="Nightly, for testing" isChecked={answers.channel === "nightly"} onChange={() => onChange({ channel: "nightly" })} />
        </FormGroup>
        <Field
          id="releaseRef"
          label="Fixed release"
          value={answers.releaseRef}
          onChange={(releaseRef) => onChange({ releaseRef })}
          error={found.releaseRef}
          hint="Leave it empty to follow the channel. A release that is fixed here gets no updates by itself."
          autoCapitalize="none"
        />
      </div>
    </ExpandableSection>
  );
}
