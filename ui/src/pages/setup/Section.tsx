import { type ReactNode, useId } from "react";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import styles from "./Setup.module.css";

/** A part of the form under its heading. */
export function Section({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={styles["section"]}>
      <Title headingLevel="h2" size="lg" id={id}>
        {title}
      </Title>
      {children}
    </section>
  );
}
