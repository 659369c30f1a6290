import type { ComponentType } from "react";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import CheckIcon from "@patternfly/react-icons/dist/esm/icons/check-circle-icon";
import BadIcon from "@patternfly/react-icons/dist/esm/icons/exclamation-circle-icon";
import BusyIcon from "@patternfly/react-icons/dist/esm/icons/in-progress-icon";
import UnknownIcon from "@patternfly/react-icons/dist/esm/icons/question-circle-icon";
import type { Status } from "../../api/document";
import { Moment } from "../../components/Moment";
import type { LiveStatus } from "../../live/status";
import { Checked } from "./Checked";
import { headline, type Tone } from "./headline";
import { Remedies } from "./Remedies";
import styles from "./StatusPage.module.css";

const ICONS: Record<Tone, ComponentType> = { good: CheckIcon, fair: CheckIcon, busy: BusyIcon, bad: BadIcon, unknown: UnknownIcon };
const WORDS: Record<Tone, string> = { good: "All well", fair: "Working", busy: "Under way", bad: "Needs you", unknown: "Not known now" };

/** First what happened, second what to do, with a button where one click is safe. */
export function Headline({ live, status }: { live: LiveStatus; status: Status }) {
  const { tone, title, next } = headline(status, live.connection);
  const Icon = ICONS[tone];
  return (
    <section className={styles["headline"]} data-tone={tone} data-testid="headline" aria-labelledby="headline-title">
      <span className={styles["icon"]} role="img" aria-label={WORDS[tone]}>
        <Icon />
      </span>
      <div>
        <div role="status">
          <Title headingLevel="h2" size="xl" id="headline-title" className={styles["title"]}>
            {title}
          </Title>
          {next && <p className={styles["next"]}>{next}</p>}
        </div>
        <Silence status={status} lost={live.connection === "lost"} />
        <Remedies status={status} />
        <Checked live={live} />
      </div>
    </section>
  );
}

/** What is shown is not what is: said in words, beside the verdict that rests on it. */
function Silence({ status, lost }: { status: Status; lost: boolean }) {
  if (lost) return <p className={styles["next"]}>The appliance does not answer this browser: this is what it said last.</p>;
  if (status.cluster?.reachable !== false) return null;
  return (
    <p className={styles["next"]} data-testid="unreachable">
      The cluster on this box has not answered{" "}
      {status.cluster.since ? (
        <>
          since <Moment at={status.cluster.since} />
        </>
      ) : (
        "yet"
      )}
      ; what is shown below is what was known before.
    </p>
  );
}
