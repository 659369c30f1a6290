import type { ReactNode } from "react";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import UnknownIcon from "@patternfly/react-icons/dist/esm/icons/question-circle-icon";
import type { Severity, Signal } from "../api/status";

/** `custom` is what is not known: grey with a question mark; `plain` is a word without a verdict. */
type Status = "success" | "warning" | "danger" | "info" | "custom" | "plain";

/** How bad something is, in a word and a colour. */
export function SeverityLabel({ severity }: { severity: Severity }) {
  const shown: Record<Severity, [Status, string]> = {
    critical: ["danger", "Critical"],
    warning: ["warning", "Warning"],
    background: ["info", "In the background"],
  };
  const [status, text] = shown[severity] ?? ["custom", severity];
  return <StateLabel status={status}>{text}</StateLabel>;
}

/** What is known of a thing: ready, not ready, or not known, which is neither. */
export function SignalLabel({ signal }: { signal: Signal }) {
  const shown: Record<Signal, [Status, string]> = {
    ready: ["success", "Ready"],
    not_ready: ["warning", "Not ready"],
    unknown: ["custom", "Unknown"],
  };
  const [status, text] = shown[signal] ?? ["custom", "Unknown"];
  return <StateLabel status={status}>{text}</StateLabel>;
}

/** A word with the colour and the icon of its meaning. */
export function StateLabel({ status, children }: { status: Status; children: ReactNode }) {
  if (status === "plain" || status === "custom") {
    return (
      <Label color="grey" isCompact {...(status === "custom" && { icon: <UnknownIcon /> })}>
        {children}
      </Label>
    );
  }
  return (
    <Label status={status} isCompact>
      {children}
    </Label>
  );
}
