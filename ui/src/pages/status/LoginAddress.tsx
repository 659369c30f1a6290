import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import type { Status } from "../../api/document";
import type { LoginProbe } from "../../api/status";
import { Moment } from "../../components/Moment";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import styles from "./StatusPage.module.css";

/** Whether the application's own address answers, as a browser would find it. */
export function LoginAddress({ probe, status }: { probe: LoginProbe | undefined; status: Status }) {
  const url = probe?.url ?? status.urls?.loginUrl;
  return (
    <Section title="Login address" testId="login-probe">
      <div className={styles["row"]}>
        <Answer probe={probe} />
        <span className={styles["title"]}>{url ?? "Not chosen yet"}</span>
      </div>
      <p className={styles["small"]}>
        {probe?.checked ? (
          <>
            {probe.error ?? (probe.statusCode === null ? "It answers." : `It answers with status ${probe.statusCode}.`)} Tried <Moment at={probe.checkedAt} />.
          </>
        ) : (
          "It is tried once the application runs."
        )}
      </p>
      {probe?.certificate === "untrusted" && (
        <Alert variant="warning" isInline title="Browsers will warn about its certificate" data-testid="untrusted-certificate">
          The certificate of this address is not signed by an authority that browsers know. Users can log in after they accept it; to end the warning, give the address a certificate of a public authority, or make yours known to the users’ devices.
        </Alert>
      )}
    </Section>
  );
}

function Answer({ probe }: { probe: LoginProbe | undefined }) {
  if (!probe?.checked || probe.reachable === null) return <StateLabel status="custom">Not tried</StateLabel>;
  return probe.reachable ? <StateLabel status="success">Answers</StateLabel> : <StateLabel status="danger">No login</StateLabel>;
}
