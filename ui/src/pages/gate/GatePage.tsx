import type { AuthState } from "../../api/auth";
import { ChoosePassword } from "./ChoosePassword";
import { CredentialError } from "./CredentialError";
import { SignIn } from "./SignIn";
import { TokenEntry } from "./TokenEntry";

/** What stands between this browser and the appliance. */
export function GatePage({ auth }: { auth: AuthState }) {
  switch (auth.phase) {
    case "needs-token":
      return auth.tokenRedeemed ? <ChoosePassword /> : <TokenEntry />;
    case "credential-error":
      return <CredentialError />;
    case "needs-password":
    case "authenticated":
      return <SignIn stateUnreadable={auth.stateUnreadable ?? false} />;
  }
}
