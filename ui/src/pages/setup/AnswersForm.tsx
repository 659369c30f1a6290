import { type FormEvent, useState } from "react";
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Form } from "@patternfly/react-core/dist/esm/components/Form";
import type { SetupConfig } from "../../api/setup";
import { navigate, useQuery } from "../../app/router";
import { PageHeading } from "../../components/PageHeading";
import { AdvancedSection } from "./AdvancedSection";
import { type AnswerName, type Answers, type Complaints, complaints, firstComplaint, usesKept } from "./answers";
import { changeAnswers } from "./answersStore";
import { CompanySection } from "./CompanySection";
import { LicenceSection } from "./LicenceSection";
import styles from "./Setup.module.css";
import { clearRefused, useRefused } from "./refused";

export interface SectionProps {
  answers: Answers;
  found: Complaints;
  onChange: (part: Partial<Answers>) => void;
}

/** Everything that is asked. The code comes first; the rest appears once there is one, or none is needed. */
export function AnswersForm({ answers, kept, network }: { answers: Answers; kept: string; network: SetupConfig["network"] }) {
  const refused = useRefused();
  const missing = useQuery().includes("missing");
  const [tried, setTried] = useState(missing);
  const found: Complaints = { ...(tried ? complaints(answers, kept) : {}), ...refused };
  const change = (part: Partial<Answers>) => {
    clearRefused(Object.keys(part) as AnswerName[]);
    changeAnswers(part);
  };
  const showsRest = answers.licenseMode === "manual" || answers.installCode.trim() !== "" || answers.tenantName !== "";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!tried && isUntouched(answers)) return focus("tenantName");
    setTried(true);
    const first = firstComplaint({ ...complaints(answers, kept), ...refused });
    if (first) focus(first);
    else navigate("/setup/?check");
  };
  return (
    <>
      <PageHeading title="Set up this appliance">Nothing is installed or changed until you have seen what was checked.</PageHeading>
      {missing && (
        <Alert variant="info" isInline className={styles["note"]} title={`Type the ${usesKept(answers, kept) ? "code" : "code and the password"} once more`}>
          This page was loaded anew, and secrets are not kept on your device. Everything else is still filled in.
        </Alert>
      )}
      <Form onSubmit={submit} className={styles["form"]} aria-label="Setup" noValidate>
        <LicenceSection answers={answers} found={found} onChange={change} />
        {showsRest && (
          <>
            <CompanySection answers={answers} keepsPassword={usesKept(answers, kept)} found={found} onChange={change} />
            <AdvancedSection answers={answers} found={found} onChange={change} network={network} />
          </>
        )}
        <div>
          <Button type="submit" isDisabled={!showsRest} data-testid="continue">
            Check this box
          </Button>
        </div>
      </Form>
    </>
  );
}

/** Only the code was typed: Enter leads on instead of complaining of what was never seen. */
function isUntouched(answers: Answers): boolean {
  const { tenantName, adminFirstName, adminLastName, adminEmail, adminPassword } = answers;
  return [tenantName, adminFirstName, adminLastName, adminEmail, adminPassword].every((answer) => answer === "");
}

function focus(name: AnswerName): void {
  // A section that was closed is open by the next frame.
  requestAnimationFrame(() => document.getElementById(name)?.focus());
}
