import { type FormEvent, useEffect, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import { setupConfig } from "../../api/setup";
import { navigate } from "../../app/router";
import { Failed } from "../../components/ErrorState";
import { Field } from "../../components/Field";
import { useRequest } from "../../components/request";
import { complaints, keptAdministrator, suggested } from "../setup/answers";
import { changeAnswers, openAnswers, useAnswers } from "../setup/answersStore";
import { useInstall } from "../setup/CheckPage";
import styles from "./Install.module.css";

/** Another install code, in the place where the first one was refused. All other answers stay. */
export function CorrectCode() {
  const { data: config } = useRequest(setupConfig);
  useEffect(() => {
    if (config) openAnswers(suggested(config));
  }, [config]);
  const [code, setCode] = useState("");
  const [tried, setTried] = useState(false);
  const answers = useAnswers();
  const corrected = answers && { ...answers, licenseMode: "code" as const, installCode: code };
  const found = corrected ? complaints(corrected, config ? keptAdministrator(config) : "") : {};
  const install = useInstall(corrected ?? suggested({ mode: "setup", defaults: {} as never, passwordKept: false, network: { addresses: [], resolvers: [] } }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (!corrected || found.installCode) return;
    changeAnswers({ licenseMode: "code", installCode: code });
    // The administrator's password is not known here after a reload; then the box keeps it, unless its key is gone.
    if (Object.keys(found).length > 0) navigate("/setup/?missing");
    else void install.run();
  };
  return (
    <Form onSubmit={submit} className={styles["code"]} aria-label="Another install code" noValidate>
      <Field
        id="another-code"
        label="Another install code"
        value={code}
        onChange={setCode}
        error={tried ? found.installCode : undefined}
        autoCapitalize="characters"
        hint={
          <>
            A code is good for one box. A new one for the same order is at{" "}
            <a href="https://nineminds.com/order/appliance/reissue" target="_blank" rel="noreferrer">
              nineminds.com/order/appliance/reissue
            </a>
            .
          </>
        }
      />
      {install.failure && <Failed failure={install.failure} />}
      <div>
        <Button type="submit" isDisabled={!corrected || install.busy} isLoading={install.busy}>
          Continue with this code
        </Button>
      </div>
    </Form>
  );
}
