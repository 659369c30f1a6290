import { Field, PasswordField } from "../../components/Field";
import { PasswordRules } from "../../components/PasswordRules";
import { psaRules } from "../../text/policy";
import type { SectionProps } from "./AnswersForm";
import { Section } from "./Section";
import styles from "./Setup.module.css";

const KEPT = "The one you typed before is kept encrypted on this box. Leave this empty to use it.";

/** Whose box it is, and who signs in to the application first. */
export function CompanySection({ answers, keepsPassword, found, onChange }: SectionProps & { keepsPassword: boolean }) {
  return (
    <Section title="Company and administrator">
      <Field
        id="tenantName"
        label="Company name"
        value={answers.tenantName}
        onChange={(tenantName) => onChange({ tenantName })}
        error={found.tenantName}
        autoComplete="organization"
        autoCapitalize="words"
        required
      />
      <div className={styles["pair"]}>
        <Field
          id="adminFirstName"
          label="First name"
          value={answers.adminFirstName}
          onChange={(adminFirstName) => onChange({ adminFirstName })}
          error={found.adminFirstName}
          autoComplete="given-name"
          autoCapitalize="words"
          required
        />
        <Field
          id="adminLastName"
          label="Last name"
          value={answers.adminLastName}
          onChange={(adminLastName) => onChange({ adminLastName })}
          error={found.adminLastName}
          autoComplete="family-name"
          autoCapitalize="words"
          required
        />
      </div>
      <Field
        id="adminEmail"
        label="E-mail address"
        value={answers.adminEmail}
        onChange={(adminEmail) => onChange({ adminEmail })}
        error={found.adminEmail}
        hint="The first administrator signs in to Alga PSA with it."
        autoComplete="email"
        inputMode="email"
        autoCapitalize="none"
        required
      />
      <PasswordField
        id="adminPassword"
        label="Password for Alga PSA"
        value={answers.adminPassword}
        onChange={(adminPassword) => onChange({ adminPassword })}
        error={found.adminPassword}
        hint={keepsPassword ? KEPT : "It is stored encrypted on this box and erased once the application has taken it over."}
        autoComplete="new-password"
        required={!keepsPassword}
      />
      {!keepsPassword && <PasswordRules rules={psaRules(answers.adminPassword)} />}
      <PasswordField
        id="adminPasswordConfirm"
        label="Password again"
        value={answers.adminPasswordConfirm}
        onChange={(adminPasswordConfirm) => onChange({ adminPasswordConfirm })}
        error={found.adminPasswordConfirm}
        autoComplete="new-password"
        required={!keepsPassword}
      />
    </Section>
  );
}
