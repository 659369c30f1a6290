import { useCallback, useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { type ApiFailure, asFailure } from "../../api/failure";
import { beginBundle, bundles } from "../../api/support";
import { Failed } from "../../components/ErrorState";
import { PageHeading } from "../../components/PageHeading";
import { useRequest } from "../../components/request";
import { Kept } from "./Kept";
import { Outcome } from "./Outcome";
import { useFollowed } from "./followed";
import styles from "./Support.module.css";

/** A picture of this box for whoever helps with it. */
export default function SupportPage() {
  const kept = useRequest(bundles);
  const [id, setId] = useState<string>();
  const [refused, setRefused] = useState<ApiFailure>();
  const [making, setMaking] = useState(false);
  const { reload } = kept;
  const ended = useCallback(() => {
    setMaking(false);
    void reload();
  }, [reload]);
  const { job, failure } = useFollowed(id, ended);
  const begin = async () => {
    setMaking(true);
    setRefused(undefined);
    try {
      setId((await beginBundle()).jobId);
    } catch (thrown) {
      setRefused(asFailure(thrown));
      setMaking(false);
    }
  };
  return (
    <div className={styles["page"]}>
      <PageHeading title="Support bundle" />
      <p>
        One file with what support needs to see what is wrong: states, logs and checks of this box. Passwords, keys, tokens and codes are taken out before anything is written. It
        is made also when the cluster or the host does not answer, and leaves this box only if you send it.
      </p>
      <div>
        <Button onClick={() => void begin()} isLoading={making} isDisabled={making} data-testid="make-bundle">
          Make a support bundle
        </Button>
      </div>
      {refused && <Failed failure={refused} />}
      {failure && <Failed failure={failure} />}
      <div role="status">{job && <Outcome job={job} />}</div>
      <Kept kept={kept} />
      <p className={styles["small"]}>
        If this page cannot be reached, somebody at the box makes the same with <code>sudo alga-support-bundle</code>.
      </p>
    </div>
  );
}
