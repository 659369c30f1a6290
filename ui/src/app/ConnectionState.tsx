import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { StateLabel } from "../components/StateLabel";
import { statusStore, useStatus } from "../live/status";
import { clockTime, exact } from "../text/time";
import styles from "./ConnectionState.module.css";

/** Whether what is shown is what is. Its room is kept, so that the masthead does not jump. */
export function ConnectionState() {
  const { connection, lastSeen } = useStatus();
  return (
    <span className={styles["state"]} role="status" data-testid="connection" data-state={connection}>
      {connection === "connecting" && <StateLabel status="custom">Connecting</StateLabel>}
      {connection === "live" && <StateLabel status="success">Live</StateLabel>}
      {connection === "polling" && <StateLabel status="info">Updated every 15 s</StateLabel>}
      {connection === "lost" && (
        <>
          <span title={lastSeen && exact(lastSeen)}>
            <StateLabel status="danger">Connection lost{lastSeen && `, last seen ${clockTime(lastSeen)}`}</StateLabel>
          </span>
          <Button variant="link" isInline onClick={statusStore.tryNow}>
            Try now
          </Button>
        </>
      )}
    </span>
  );
}
