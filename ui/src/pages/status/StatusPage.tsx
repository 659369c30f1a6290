import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import type { Status } from "../../api/document";
import { Link } from "../../app/router";
import { ErrorState } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import { PageHeading } from "../../components/PageHeading";
import { useStatus } from "../../live/status";
import { Blockers } from "./Blockers";
import { Bootstrap } from "./Bootstrap";
import { Components } from "./Components";
import { FluxObjects } from "./FluxObjects";
import { Headline } from "./Headline";
import { LoginAddress } from "./LoginAddress";
import { Operations } from "./Operations";
import { RecentEvents } from "./RecentEvents";
import styles from "./StatusPage.module.css";
import { Tiers } from "./Tiers";
import { Unreadable } from "./Unreadable";

/** Is it working, what is wrong, what should be done; then everything that this rests on. */
export default function StatusPage() {
  const live = useStatus();
  const status = live.document as Status | undefined;
  if (!status) {
    if (live.failure && live.connection === "lost") return <ErrorState failure={live.failure} />;
    return <Loading label="Asking the appliance" />;
  }
  const isOld = live.connection === "lost" || status.cluster?.reachable === false;
  const isInstalling = Boolean(status.plan) && status.plan?.state !== "complete";
  return (
    <>
      <PageHeading title="Status" />
      <Headline live={live} status={status} />
      {isInstalling && status.plan?.state !== "empty" && (
        <Alert variant="info" isInline isPlain title="Setup is not finished." className={styles["unfinished"]}>
          <Link to="/install">See its steps</Link>
        </Alert>
      )}
      <Blockers blockers={status.topBlockers} />
      <Tiers tiers={status.readinessTiers} isOld={isOld} />
      <div className={styles["columns"]}>
        <div className={styles["column"]}>
          <Components components={status.components} isOld={isOld} isComing={isInstalling} />
          <RecentEvents events={status.recentEvents} />
        </div>
        <div className={styles["column"]}>
          <LoginAddress probe={status.loginProbe} status={status} />
          <Operations operations={status.activeOperations} />
          <Bootstrap bootstrap={status.bootstrap} />
          <FluxObjects flux={status.flux} />
          <Unreadable errors={status.errors} kubernetes={status.kubernetes} />
        </div>
      </div>
    </>
  );
}
