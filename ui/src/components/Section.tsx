import { type ReactNode, useId } from "react";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import styles from "./Section.module.css";

/** A part of a page with its heading, which readers of the page aloud can go to. */
export function Section({ title, aside, children, testId }: { title: string; aside?: ReactNode; children: ReactNode; testId?: string }) {
  const id = useId();
  return (
    <section aria-labelledby={id} data-testid={testId}>
      <div className={styles["head"]}>
        <Title headingLevel="h2" size="md" id={id}>
          {title}
        </Title>
        {aside}
      </div>
      {children}
    </section>
  );
}
