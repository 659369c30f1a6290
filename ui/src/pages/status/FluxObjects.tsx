import type { FluxRow, Status } from "../../api/document";
import { Section } from "../../components/Section";
import { SignalLabel, StateLabel } from "../../components/StateLabel";
import styles from "./StatusPage.module.css";

/** What Flux keeps as the release says: sources, their Kustomizations, the Helm releases. */
export function FluxObjects({ flux }: { flux: Status["flux"] }) {
  const rows = flux ? [...flux.sources, ...flux.kustomizations, ...flux.helmReleases] : [];
  const ready = rows.filter((row) => row.signal === "ready" && !row.suspended).length;
  return (
    <Section title="Release delivery (Flux)" testId="flux">
      {rows.length === 0 ? (
        <p className={styles["small"]}>Nothing is known of it yet.</p>
      ) : (
        <details className={styles["details"]} open={ready < rows.length}>
          <summary>
            {ready} of {rows.length} ready
          </summary>
          <ul className={styles["list"]}>
            {rows.map((row) => (
              <Row key={`${row.kind}/${row.namespace}/${row.name}`} row={row} />
            ))}
          </ul>
        </details>
      )}
    </Section>
  );
}

function Row({ row }: { row: FluxRow }) {
  return (
    <li data-testid="flux-row" data-signal={row.signal}>
      <div className={styles["row"]}>
        {row.suspended ? <StateLabel status="warning">Paused</StateLabel> : <SignalLabel signal={row.signal} />}
        <span>
          {row.kind} {row.name}
        </span>
      </div>
      {(row.signal !== "ready" || row.suspended) && <div className={styles["small"]}>{row.message || row.reason}</div>}
      {row.revision && row.signal === "ready" && <div className={styles["small"]}>{row.revision}</div>}
    </li>
  );
}
