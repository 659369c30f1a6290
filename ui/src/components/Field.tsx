import { type ReactNode, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { FormGroup, FormHelperText } from "@patternfly/react-core/dist/esm/components/Form";
import { HelperText, HelperTextItem } from "@patternfly/react-core/dist/esm/components/HelperText";
import { InputGroup, InputGroupItem } from "@patternfly/react-core/dist/esm/components/InputGroup";
import { TextInput } from "@patternfly/react-core/dist/esm/components/TextInput";

export interface FieldProps {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  /** What is wrong with it, in a sentence. */
  error?: string | undefined;
  /** What helps to fill it in; stays when there is an error. */
  hint?: ReactNode;
  required?: boolean;
  autoFocus?: boolean;
  autoComplete?: string;
  inputMode?: "text" | "email" | "url" | "numeric";
  autoCapitalize?: "none" | "characters" | "words";
  placeholder?: string;
  disabled?: boolean;
}

/** One line of text with its label, its hint and what is wrong with it. */
export function Field(props: FieldProps) {
  return (
    <FormGroup label={props.label} fieldId={props.id} isRequired={props.required ?? false}>
      <Input {...props} type="text" />
      <Below {...props} />
    </FormGroup>
  );
}

/** A secret, hidden until it is asked to be shown. */
export function PasswordField(props: FieldProps) {
  const [shown, setShown] = useState(false);
  return (
    <FormGroup label={props.label} fieldId={props.id} isRequired={props.required ?? false}>
      <InputGroup>
        <InputGroupItem isFill>
          <Input {...props} autoCapitalize="none" type={shown ? "text" : "password"} />
        </InputGroupItem>
        <InputGroupItem>
          <Button variant="control" aria-pressed={shown} aria-label={`Show ${props.label.toLowerCase()}`} onClick={() => setShown(!shown)}>
            {shown ? "Hide" : "Show"}
          </Button>
        </InputGroupItem>
      </InputGroup>
      <Below {...props} />
    </FormGroup>
  );
}

function Input(props: FieldProps & { type: "text" | "password" }) {
  const described = [props.error && `${props.id}-error`, props.hint && `${props.id}-hint`].filter(Boolean).join(" ");
  return (
    <TextInput
      id={props.id}
      name={props.id}
      type={props.type}
      value={props.value}
      onChange={(_, value) => props.onChange(value)}
      validated={props.error ? "error" : "default"}
      isRequired={props.required ?? false}
      isDisabled={props.disabled ?? false}
      autoFocus={props.autoFocus}
      autoComplete={props.autoComplete ?? "off"}
      inputMode={props.inputMode}
      autoCapitalize={props.autoCapitalize}
      placeholder={props.placeholder}
      spellCheck={false}
      aria-describedby={described || undefined}
    />
  );
}

function Below({ id, error, hint }: FieldProps) {
  if (!error && !hint) return null;
  return (
    <FormHelperText>
      <HelperText>
        {error && (
          <HelperTextItem id={`${id}-error`} variant="error" data-testid={`${id}-error`}>
            {error}
          </HelperTextItem>
        )}
        {hint && <HelperTextItem id={`${id}-hint`}>{hint}</HelperTextItem>}
      </HelperText>
    </FormHelperText>
  );
}
