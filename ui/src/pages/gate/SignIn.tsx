import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { session } from "../../session/session";
import { Frame } from "./Frame";
import styles from "./Frame.module.css";
import { SignInForm } from "./SignInForm";

export function SignIn({ stateUnreadable }: { stateUnreadable: boolean }) {
  return (
    <Frame title="Sign in">
      {stateUnreadable && (
        <Alert variant="warning" isInline title="The record of this appliance's installation cannot be read">
          Nothing was changed. Sign in to see more.
        </Alert>
      )}
      <SignInForm onDone={session.refresh} />
      <p className={styles["small"]}>
        Forgotten? Run <code>sudo alga-appliance-reset-admin</code> on the appliance's console.
      </p>
    </Frame>
  );
}
