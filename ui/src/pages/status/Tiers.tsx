import type { Tier, TierName } from "../../api/status";
import { SignalLabel, StateLabel } from "../../components/StateLabel";
import { TIERS } from "./headline";
import styles from "./StatusPage.module.css";

/** What still works: one line for each tier, with why it does not where it does not. What `isOld` is not known to be so now. */
export function Tiers({ tiers, isOld }: { tiers: Record<TierName, Tier> | undefined; isOld: boolean }) {
  return (
    <ol className={styles["tiers"]} aria-label="What works" data-testid="tiers">
      {TIERS.map(({ key, name, about }) => {
        const tier = tiers?.[key];
        const signal = tier?.signal ?? "unknown";
        return (
          <li key={key} className={styles["tier"]} data-testid={`tier-${key}`} data-signal={signal}>
            <span className={styles["tierHead"]}>
              {name} {isOld && signal === "ready" ? <StateLabel status="custom">Was ready</StateLabel> : <SignalLabel signal={signal} />}
            </span>
            <Why tier={tier} about={about} />
          </li>
        );
      })}
    </ol>
  );
}

function Why({ tier, about }: { tier: Tier | undefined; about: string }) {
  const reasons = tier && tier.signal !== "ready" ? tier.reasons : [];
  if (reasons.length === 0) return <span className={styles["small"]}>{about}</span>;
  const [first, ...more] = reasons;
  return (
    <span className={styles["small"]}>
      {first}
      {more.length > 0 && (
        <details className={styles["details"]}>
          <summary>{more.length} more</summary>
          {more.map((reason) => (
            <div key={reason}>{reason}</div>
          ))}
        </details>
      )}
    </span>
  );
}
