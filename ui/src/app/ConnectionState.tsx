import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { StateLabel } from "../components/StateLabel";
import { type Connection, statusStore, useStatus } from "../live/status";
import { clockTime, exact } from "../text/time";
import styles from "./ConnectionState.module.css";

const SHOWN: Record<Connection, ["custom" | "success" | "info" | "danger", string, string]> = {
  connecting: ["custom", "Connecting", "The appliance is being asked."],
  live: ["success", "Live", "Changes are shown as they happen."],
  polling: ["info", "Every 15 s", "The appliance is asked every 15 seconds."],
  lost: ["danger", "Lost", "The appliance does not answer."],
};

/** Whether what is shown is what is: a word in the masthead, and a strip over the page once it is not. */
export function ConnectionState() {
  const { connection, lastSeen } = useStatus();
  const [status, word, meaning] = SHOWN[connection];
  return (
    <>
      <span role="status" title={meaning} data-testid="connection" data-state={connection}>
        <StateLabel status={status}>{word}</StateLabel>
      </span>
      {connection === "lost" && (
        <div role="alert" className={styles["strip"]} data-testid="connection-lost">
          <span title={lastSeen && exact(lastSeen)}>Connection lost{lastSeen && `, last seen ${clockTime(lastSeen)}`}. What you see may be out of date.</span>
          <Button variant="secondary" size="sm" onClick={statusStore.tryNow}>
            Try now
          </Button>
        </div>
      )}
    </>
  );
}
