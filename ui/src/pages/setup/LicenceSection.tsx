import { FormGroup } from "@patternfly/react-core/dist/esm/components/Form";
import { Radio } from "@patternfly/react-core/dist/esm/components/Radio";
import { Field, PasswordField } from "../../components/Field";
import type { SectionProps } from "./AnswersForm";
import { Section } from "./Section";
import styles from "./Setup.module.css";

/** How this box is licensed. */
export function LicenceSection({ answers, found, onChange }: SectionProps) {
  const isCode = answers.licenseMode === "code";
  return (
    <Section title="Licence">
      <FormGroup role="radiogroup" fieldId="license-mode" label="How is this box licensed?" isStack className={styles["choices"]}>
        <Radio id="license-code" name="license-mode" label="I have an install code" isChecked={isCode} onChange={() => onChange({ licenseMode: "code" })} />
        <Radio
          id="license-manual"
          name="license-mode"
          label="I have a licence key or no code"
          isChecked={!isCode}
          onChange={() => onChange({ licenseMode: "manual" })}
        />
      </FormGroup>
      {isCode ? (
        <Field
          id="installCode"
          label="Install code"
          value={answers.installCode}
          onChange={(installCode) => onChange({ installCode })}
          error={found.installCode}
          hint="It came with your order, for example K7QP M2RX. Spaces and dashes do not matter. It is good for one box."
          autoCapitalize="characters"
          autoFocus
          required
        />
      ) : (
        <>
          <FormGroup role="radiogroup" fieldId="edition" label="Edition" isInline>
            <Radio id="edition-ee" name="edition" label="Enterprise" isChecked={answers.editionChoice === "ee"} onChange={() => onChange({ editionChoice: "ee" })} />
            <Radio id="edition-ce" name="edition" label="Community" isChecked={answers.editionChoice === "ce"} onChange={() => onChange({ editionChoice: "ce" })} />
          </FormGroup>
          <PasswordField
            id="licenseKey"
            label="Licence key"
            value={answers.licenseKey}
            onChange={(licenseKey) => onChange({ licenseKey })}
            error={found.licenseKey}
            hint="Three parts joined by dots. It can also be given later under “Manage”."
          />
        </>
      )}
    </Section>
  );
}
