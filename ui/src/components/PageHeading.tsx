import { type ReactNode, useEffect, useRef } from "react";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import { cameFromInside } from "../app/router";
import styles from "./PageHeading.module.css";

/** The one heading of a page. It takes the focus when the viewer came from another page of ours. */
export function PageHeading({ title, aside, children }: { title: string; aside?: ReactNode; children?: ReactNode }) {
  const heading = useRef<HTMLDivElement>(null);
  useEffect(() => {
    document.title = `${title} · Alga appliance`;
  }, [title]);
  useEffect(() => {
    if (cameFromInside()) heading.current?.querySelector("h1")?.focus();
  }, []);
  return (
    <header className={styles["heading"]} ref={heading}>
      <div className={styles["row"]}>
        <Title headingLevel="h1" size="2xl" tabIndex={-1}>
          {title}
        </Title>
        {aside}
      </div>
      {children && <div className={styles["lead"]}>{children}</div>}
    </header>
  );
}
