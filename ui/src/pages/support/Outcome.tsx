import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { List, ListItem } from "@patternfly/react-core/dist/esm/components/List";
import type { BundleJob } from "../../api/support";
import { size } from "../../text/size";

/** What is being done, or what came of it. */
export function Outcome({ job: { state, step, result } }: { job: BundleJob }) {
  if (!result) return state === "running" ? <p data-testid="bundle-step">Now: {step}…</p> : null;
  if (!result.ok) {
    return (
      <Alert variant="danger" isInline title={result.message} data-testid="bundle-failed">
        {result.suspectedCause}. {result.suggestedNextStep}
      </Alert>
    );
  }
  return (
    <Alert variant={result.partial ? "warning" : "success"} isInline title={title(result.partial)} data-testid="bundle-made">
      <p>
        <a href={result.downloadUrl} download>
          Download it
        </a>{" "}
        ({size(result.bytes)})
      </p>
      {result.findings.length > 0 && (
        <>
          <p>What is probably wrong, the likeliest first:</p>
          <List>
            {result.findings.map((finding) => (
              <ListItem key={finding}>{finding}</ListItem>
            ))}
          </List>
        </>
      )}
      {result.warnings.length > 0 && (
        <details>
          <summary>What could not be collected ({result.warnings.length})</summary>
          <List>
            {result.warnings.map((warning) => (
              <ListItem key={warning}>{warning}</ListItem>
            ))}
          </List>
        </details>
      )}
    </Alert>
  );
}

function title(partial: boolean): string {
  return partial ? "The support bundle is made; not everything could be collected" : "The support bundle is made";
}
