import { HelperText, HelperTextItem } from "@patternfly/react-core/dist/esm/components/HelperText";
import type { Rule } from "../text/policy";

/** What the password must be, and what of it it is already. */
export function PasswordRules({ rules }: { rules: readonly Rule[] }) {
  return (
    <HelperText component="ul" aria-label="The password must have">
      {rules.map((rule) => (
        <HelperTextItem key={rule.id} component="li" variant={rule.met ? "success" : "indeterminate"} data-met={rule.met}>
          {rule.text}
        </HelperTextItem>
      ))}
    </HelperText>
  );
}
