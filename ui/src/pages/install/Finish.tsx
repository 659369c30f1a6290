import { useEffect } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { setupConfig, type Plan } from "../../api/setup";
import type { Signal, StatusDocument, TierName } from "../../api/status";
import { Link } from "../../app/router";
import { useRequest } from "../../components/request";
import { StateLabel } from "../../components/StateLabel";
import { useStatus } from "../../live/status";
import { forgetAnswers } from "../setup/answersStore";
import styles from "./Install.module.css";

const TIERS: [TierName, string][] = [
  ["platformReady", "The cluster and its storage"],
  ["coreReady", "Database and application"],
  ["bootstrapReady", "Company and administrator"],
  ["loginReady", "Signing in, tried by this box"],
];

/** The steps are done: the application starts, and once signing in was tried it is ready. */
export function Finish({ plan }: { plan: Plan }) {
  const { document } = useStatus();
  const { data: config } = useRequest(setupConfig);
  useEffect(() => {
    if (plan.state === "complete") forgetAnswers();
  }, [plan.state]);
  const url = appUrl(document) ?? config?.defaults.appHostname;
  if (document?.tiers?.loginReady) return <Ready url={url} />;
  if (document?.rollup?.state === "blocked") return <HeldUp {...document.rollup} />;
  return (
    <Alert variant="info" isInline title="The application is starting" data-testid="starting">
      <p>Flux installs the release and starts the application. That takes some minutes; its images are being downloaded.</p>
      <ul className={styles["tiers"]}>
        {TIERS.map(([name, title]) => (
          <li key={name}>
            <Reached signal={document?.readinessTiers?.[name]?.signal ?? (document?.tiers?.[name] ? "ready" : "unknown")} /> {title}
            {firstReason(document, name)}
          </li>
        ))}
      </ul>
      <Link to="/status">See the status page</Link>
    </Alert>
  );
}

/** Waiting does not help: what does is said here, as on the status page. */
function HeldUp({ message, nextAction }: { message: string; nextAction: string }) {
  return (
    <Alert variant="danger" isInline title={message} data-testid="held-up">
      <p>
        <strong>What to do:</strong> {nextAction}
      </p>
      <Link to="/status">See the status page</Link>
    </Alert>
  );
}

function Ready({ url }: { url: string | undefined }) {
  return (
    <Alert variant="success" isInline title="Alga PSA is ready" data-testid="ready">
      <p>This box has tried the sign-in page itself.</p>
      {url && (
        <p className={styles["open"]}>
          <a href={url} className="pf-v6-c-button pf-m-primary">
            Open Alga PSA
          </a>
        </p>
      )}
      <p>
        What to back up: the whole virtual machine, or the directories <code>/var/mnt/alga-data</code> and <code>/var/lib/alga-appliance</code>.
      </p>
    </Alert>
  );
}

/** What a start has not reached yet is to come; nothing is wrong with it. */
function Reached({ signal }: { signal: Signal }) {
  if (signal === "ready") return <StateLabel status="success">Ready</StateLabel>;
  return signal === "not_ready" ? <StateLabel status="info">To come</StateLabel> : <StateLabel status="custom">Unknown</StateLabel>;
}

function firstReason(document: StatusDocument | undefined, name: TierName): string {
  const tier = document?.readinessTiers?.[name];
  return tier && tier.signal !== "ready" && tier.reasons[0] ? `: ${tier.reasons[0]}` : "";
}

/** Only an address that a browser may follow becomes a link. */
export function appUrl(document: StatusDocument | undefined): string | undefined {
  const said = document?.setupInputs?.["appHostname"];
  return typeof said === "string" && /^https?:\/\//.test(said) ? said : undefined;
}
