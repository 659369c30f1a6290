import styles from "./Loading.module.css";

/**
 * What stands where a page will be. It keeps the page's room, and shows itself only when loading takes
 * long enough to be noticed, so that a quick page does not flicker.
 */
export function Loading({ label }: { label: string }) {
  return (
    <div className={styles["room"]} role="status" aria-live="polite">
      <span className={styles["label"]}>
        <span className={styles["spinner"]} aria-hidden="true" />
        {label}…
      </span>
    </div>
  );
}
