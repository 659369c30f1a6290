import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { CodeBlock } from "../../components/CodeBlock";
import { session } from "../../session/session";
import { Frame } from "./Frame";

/** The stored password is damaged: it opens nothing, and the old token does not either. */
export function CredentialError() {
  return (
    <Frame title="The management password cannot be read">
      <p>The file that holds it on the appliance is damaged. To keep strangers out, nobody can sign in until it is set anew; the application itself goes on running.</p>
      <p>On the appliance's console, run this and then use the new token that it shows:</p>
      <CodeBlock text="sudo alga-appliance-reset-admin" label="the reset command" />
      <Button variant="secondary" onClick={() => void session.refresh()}>
        I have done that
      </Button>
    </Frame>
  );
}
