import { useEffect, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import CopyIcon from "@patternfly/react-icons/dist/esm/icons/copy-icon";

/** Copies `text`, which is made only then if it is a function; says so for a moment, also to those who cannot see it. */
export function CopyButton({ text, label }: { text: string | (() => string); label: string }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), 2500);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => setSaid((await copied(typeof text === "string" ? text : text())) ? "Copied" : "Select the text and copy it by hand");
  return (
    <Button variant="plain" aria-label={`Copy ${label}`} icon={<CopyIcon />} onClick={() => void copy()}>
      <span role="status">{said}</span>
    </Button>
  );
}

/** The clipboard's own interface exists over TLS only, and this page is mostly plain HTTP. */
async function copied(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.style.position = "fixed";
  field.style.opacity = "0";
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return done;
}
