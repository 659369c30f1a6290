import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import { type BundleFile, removeBundle } from "../../api/support";
import { ConfirmDialog } from "../../components/ConfirmDialog";
import { Failed } from "../../components/ErrorState";
import type { Requested } from "../../components/request";
import { size } from "../../text/size";
import styles from "./Support.module.css";

/** The bundles on this box. */
export function Kept({ kept: { data, failure, reload } }: { kept: Requested<{ files: BundleFile[] }> }) {
  const [asked, setAsked] = useState<BundleFile>();
  const remove = async (file: BundleFile) => {
    await removeBundle(file);
    await reload();
  };
  return (
    <section aria-labelledby="kept" className={styles["page"]} data-testid="bundles">
      <Title headingLevel="h2" size="lg" id="kept">
        Kept on this box
      </Title>
      {failure && <Failed failure={failure} onRetry={reload} />}
      {data?.files.length === 0 && <p>None yet. The newest five are kept.</p>}
      <ul className={styles["files"]}>
        {data?.files.map((file) => (
          <li key={file.name}>
            <a href={file.downloadUrl} download>
              {file.name}
            </a>{" "}
            ({size(file.bytes)}){" "}
            <Button variant="link" isInline isDanger onClick={() => setAsked(file)} aria-label={`Delete ${file.name}`}>
              Delete
            </Button>
          </li>
        ))}
      </ul>
      {asked && (
        <ConfirmDialog title="Delete this support bundle?" action="Delete" danger onConfirm={() => remove(asked)} onClose={() => setAsked(undefined)}>
          {asked.name} is removed from this box. Another one can be made at any time, but it shows the box as it is then.
        </ConfirmDialog>
      )}
    </section>
  );
}
