import type { LeftOut } from "../../api/workloads";
import { leftOutWords } from "./leftOut";
import styles from "./Workloads.module.css";

/** Says what a list lacks, so that nobody takes it for the whole. */
export function Missing({ leftOut }: { leftOut: LeftOut | undefined }) {
  const words = leftOut && leftOutWords(leftOut);
  if (!words) return null;
  return (
    <p className={styles["small"]} data-testid="left-out" role="note">
      {words}
    </p>
  );
}
