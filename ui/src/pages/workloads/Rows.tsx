import { type ReactNode, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import type { ApiFailure } from "../../api/failure";
import { Failed } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import styles from "./Workloads.module.css";

/** Rows that are drawn at once; a cluster may have thousands. */
const PAGE = 100;

interface RowsProps<T> {
  rows: readonly T[] | undefined;
  failure: ApiFailure | undefined;
  reload: () => Promise<void>;
  /** What stands where there is none. */
  none: string;
  row: (row: T) => ReactNode;
}

/** A list of workloads; what is there stays when a newer answer fails, and that is said. */
export function Rows<T extends { namespace: string; name: string }>({ rows, failure, reload, none, row }: RowsProps<T>) {
  const [shown, setShown] = useState(PAGE);
  if (!rows) return failure ? <Failed failure={failure} onRetry={reload} /> : <Loading label="Asking the cluster" />;
  return (
    <>
      {failure && <Failed failure={failure} onRetry={reload} />}
      {rows.length === 0 && <p className={styles["small"]}>{none}</p>}
      <ul className={styles["list"]}>
        {rows.slice(0, shown).map((each) => (
          <li key={`${each.namespace}/${each.name}`} className={styles["row"]} data-testid="workload">
            {row(each)}
          </li>
        ))}
      </ul>
      {rows.length > shown && (
        <Button variant="link" onClick={() => setShown(shown + 10 * PAGE)}>
          Show more: {rows.length - shown} are left
        </Button>
      )}
    </>
  );
}
