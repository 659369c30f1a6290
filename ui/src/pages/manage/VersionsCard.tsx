import { useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { type Check, type ManageStatus, type PartError, upgradeControlPlane } from "../../api/manage";
import { asFailure } from "../../api/failure";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Moment } from "../../components/Moment";
import { StateLabel } from "../../components/StateLabel";
import { Card } from "./Card";
import { upgraded } from "./upgrade";
import styles from "./Manage.module.css";

/** What runs here. */
export function VersionsCard({ status, errors, onChanged }: { status: ManageStatus; errors: readonly PartError[]; onChanged: () => Promise<void> }) {
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
      <Upgrade controlPlane={controlPlane} onChanged={onChanged} />
      {app.check?.checkedAt && (
        <p className={styles["small"]}>
          Compared with what is published <Moment at={app.check.checkedAt} />.
        </p>
      )}
    </Card>
  );
}

/** How the last exchange of the control plane went, and the next one. */
function Upgrade({ controlPlane, onChanged }: { controlPlane: ManageStatus["controlPlane"]; onChanged: () => Promise<void> }) {
  const [asks, setAsks] = useState(false);
  const told = upgraded(controlPlane.upgrade);
  const isRunning = controlPlane.upgrade?.status === "running";
  const begin = async () => {
    try {
      await upgradeControlPlane();
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (failure.code !== "host_agent_too_old") throw failure;
      throw failure.saying("The host of this box is older than this page and cannot exchange the control plane by itself. Restart the box: it takes the newer one when it starts.");
    }
    await onChanged();
  };
  return (
    <>
      {told && <Alert variant={told.variant} isInline isPlain title={told.title} data-testid="upgrade" />}
      {controlPlane.upgradeState === "available" && (
        <Button variant="secondary" isDisabled={isRunning} onClick={() => setAsks(true)}>
          Take the newer control plane
        </Button>
      )}
      {asks && (
        <ConfirmDialog title="Take the newer control plane?" action="Take it" onConfirm={begin} onClose={() => setAsks(false)}>
          This page is away for a minute or two while the control plane is exchanged. The application keeps running. If the newer one does not become healthy, this one comes
          back.
        </ConfirmDialog>
      )}
    </>
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
