import { type ReactNode, useId } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import type { ApiFailure } from "../../api/failure";
import type { PartError } from "../../api/manage";
import { Failed } from "../../components/ErrorState";
import type { Change } from "./form";
import styles from "./Manage.module.css";

interface CardProps {
  title: string;
  /** What of it could not be read. */
  errors?: readonly PartError[];
  testId: string;
  children: ReactNode;
}

/** One thing that can be managed; what of it is not known is said in it. */
export function Card({ title, errors = [], testId, children }: CardProps) {
  const id = useId();
  return (
    <section className={styles["card"]} aria-labelledby={id} data-testid={testId}>
      <Title headingLevel="h2" size="lg" id={id}>
        {title}
      </Title>
      {errors.map((error) => (
        <Alert key={`${error.part} ${error.code}`} variant="warning" isInline isPlain title={error.message} data-testid="part-error" />
      ))}
      {children}
    </section>
  );
}

/** What came of a change: the refusal that no field has said, or that it is done. */
export function Outcome({ change, said = false }: { change: Change; said?: boolean }) {
  return (
    <div role="status">
      {change.failure && !said && <Failed failure={change.failure as ApiFailure} />}
      {change.done && <Alert variant="success" isInline title={change.done} data-testid="done" />}
    </div>
  );
}
