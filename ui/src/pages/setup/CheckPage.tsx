import { useState } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { type ApiFailure, asFailure } from "../../api/failure";
import { submitSetup } from "../../api/setup";
import { Link, navigate } from "../../app/router";
import { Failed } from "../../components/ErrorState";
import { PageHeading } from "../../components/PageHeading";
import { session } from "../../session/session";
import { type Answers, type Complaints, networkAnswers, submission } from "./answers";
import { changeAnswers } from "./answersStore";
import { Checks } from "./Checks";
import { isClear } from "./checks";
import { usePreflight } from "./preflight";
import { setRefused } from "./refused";
import { Review } from "./Review";
import { Section } from "./Section";
import styles from "./Setup.module.css";
import { Verdict } from "./Verdict";

/** What was checked and what will be done; the last look before anything is. */
export function CheckPage({ answers, resolvers }: { answers: Answers; resolvers: readonly string[] }) {
  const checking = usePreflight(networkAnswers(answers));
  const { preflight, busy } = checking;
  const install = useInstall(answers);
  const clear = preflight !== undefined && isClear(preflight, answers.waivedChecks);
  const again = () => void checking.run(networkAnswers(answers));
  return (
    <>
      <PageHeading title="Check and install">Nothing has been written to this box yet. It happens when you press “Install”.</PageHeading>
      <div className={styles["stack"]}>
        <Verdict checking={checking} waived={answers.waivedChecks} onAgain={again} />
        {preflight && <Checks preflight={preflight} answers={answers} resolvers={resolvers} busy={busy} onChange={changeAnswers} onAgain={again} />}
        <Section title="What will be installed">
          <Review answers={answers} release={preflight?.release} />
        </Section>
        {install.failure && <Failed failure={install.failure} />}
        <div className={styles["actions"]}>
          <Button onClick={() => void install.run()} isDisabled={!clear || busy || install.busy} isLoading={install.busy} data-testid="install">
            Install
          </Button>
          <Link to="/setup/" className="pf-v6-c-button pf-m-link">
            Change the answers
          </Link>
        </div>
      </div>
    </>
  );
}

interface Install {
  busy: boolean;
  failure: ApiFailure | undefined;
  run: () => Promise<void>;
}

/** Submits; what the server finds wrong with the answers leads back to their fields. */
export function useInstall(answers: Answers): Install {
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  const run = async () => {
    setBusy(true);
    setFailure(undefined);
    try {
      await submitSetup(submission(answers));
      await session.refresh();
      navigate("/");
    } catch (thrown) {
      const failed = asFailure(thrown);
      if (failed.code === "invalid_inputs") {
        setRefused(failed.fields as Complaints);
        navigate("/setup/");
      } else if (failed.code === "setup_running" || failed.code === "setup_finished") {
        // Another window was faster: its install is what there is to see.
        await session.refresh();
        navigate("/");
      } else {
        setFailure(failed);
      }
    }
    setBusy(false);
  };
  return { busy, failure, run };
}
