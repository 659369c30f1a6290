import type { Check, ManageStatus, PartError } from "../../api/manage";
import { Moment } from "../../components/Moment";
import { StateLabel } from "../../components/StateLabel";
import { Card } from "./Card";
import styles from "./Manage.module.css";

/** What runs here. */
export function VersionsCard({ status, errors }: { status: ManageStatus; errors: readonly PartError[] }) {
  const { app, controlPlane } = status;
  return (
    <Card title="Versions" errors={errors} testId="versions">
      <dl className={styles["facts"]}>
        <dt>Application</dt>
        <dd>
          {app.version ?? "not known"}, channel {app.channel} <Checked state={app.check?.state ?? "unknown"} version={app.availableVersion} />
        </dd>
        <dt>Its release</dt>
        <dd>
          <Digest digest={app.pinnedReleaseDigest} />
        </dd>
        <dt>Control plane</dt>
        <dd>
          <Digest digest={controlPlane.runningDigest} /> <Checked state={controlPlane.upgradeState ?? "unknown"} version={null} />
          {controlPlane.reasonMessage && <div className={styles["small"]}>{controlPlane.reasonMessage}</div>}
        </dd>
      </dl>
      {app.check?.checkedAt && (
        <p className={styles["small"]}>
          Compared with what is published <Moment at={app.check.checkedAt} />.
        </p>
      )}
    </Card>
  );
}

function Checked({ state, version }: { state: Check; version: string | null }) {
  switch (state) {
    case "current":
      return <StateLabel status="success">Newest</StateLabel>;
    case "available":
      return <StateLabel status="info">{version ? `${version} is published` : "A newer one is published"}</StateLabel>;
    case "unknown":
      return <StateLabel status="custom">Newer ones unknown</StateLabel>;
  }
}

/** Enough of a digest to compare by eye; all of it behind. */
function Digest({ digest }: { digest: string | null }) {
  if (!digest) return <>not known</>;
  return <code title={digest}>{digest.slice(0, 19)}…</code>;
}
