import { type ReactNode, useEffect, useRef } from "react";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import { ThemeSwitch } from "../../app/ThemeSwitch";
import styles from "./Frame.module.css";

/** The plain page before signing in. */
export function Frame({ title, wide, children }: { title: string; wide?: boolean; children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${title} · Alga appliance`;
    // The next step replaced the field that had the focus.
    if (document.activeElement === document.body) main.current?.querySelector<HTMLElement>("input, h1")?.focus();
  }, [title]);
  return (
    <div className={styles["page"]}>
      <div className={styles["top"]}>
        <span className={styles["brand"]}>Alga appliance</span>
        <ThemeSwitch />
      </div>
      <main className={styles["card"]} data-wide={wide} ref={main}>
        <Title headingLevel="h1" size="xl" tabIndex={-1}>
          {title}
        </Title>
        {children}
      </main>
    </div>
  );
}
