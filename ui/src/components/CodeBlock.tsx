import { CopyButton } from "./CopyButton";
import styles from "./CodeBlock.module.css";

/** A command or a piece of log, with a button to copy it. `label` says what is copied. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className={styles["block"]}>
      <pre tabIndex={0} aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
