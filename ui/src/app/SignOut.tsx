import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import SignOutIcon from "@patternfly/react-icons/dist/esm/icons/sign-out-alt-icon";
import { session } from "../session/session";
import { navigate } from "./router";

/** Ends the session; when the box does not answer, it says so, since the session is then still good. */
export function SignOut() {
  const [state, setState] = useState<"idle" | "busy" | "failed">("idle");
  const signOut = async () => {
    setState("busy");
    try {
      await session.signOut();
      navigate("/", { replace: true });
    } catch {
      setState("failed");
    }
  };
  const label = state === "failed" ? "Not signed out: no answer. Try again" : "Sign out";
  return <Button variant="plain" aria-label={label} title={label} icon={<SignOutIcon />} isDisabled={state === "busy"} onClick={() => void signOut()} data-testid="sign-out" />;
}
