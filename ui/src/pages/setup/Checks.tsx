import type { ReactNode } from "react";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Checkbox } from "@patternfly/react-core/dist/esm/components/Checkbox";
import { ExpandableSection } from "@patternfly/react-core/dist/esm/components/ExpandableSection";
import { Title } from "@patternfly/react-core/dist/esm/components/Title";
import type { CheckResult, Preflight, ReleaseCheck } from "../../api/setup";
import { CopyButton } from "../../components/CopyButton";
import { StateLabel } from "../../components/StateLabel";
import type { Answers } from "./answers";
import { finding, mayWaive, sorted, toneOf, type Tone } from "./checks";
import { DnsField } from "./DnsField";
import styles from "./Setup.module.css";

interface ChecksProps {
  preflight: Preflight;
  answers: Answers;
  resolvers: readonly string[];
  busy: boolean;
  onChange: (part: Partial<Answers>) => void;
  onAgain: () => void;
}

/** What stops first, then what is odd but fine, then, folded, what is well. */
export function Checks(props: ChecksProps) {
  const { preflight, answers } = props;
  const { stops, odd, well, skipped } = sorted(preflight.report?.checks ?? [], answers.waivedChecks);
  const release = preflight.release;
  const aboutNames = stops.some((check) => check.group === "dns") || release?.failure?.step === "resolve-registry-host";
  return (
    <>
      {(stops.length > 0 || release?.ok === false) && (
        <Group title="Stops the install">
          {stops.map((check) => (
            <Check key={check.id} check={check} {...props} />
          ))}
          {release?.ok === false && <Release release={release} />}
          {aboutNames && <NameServers {...props} />}
        </Group>
      )}
      {(odd.length > 0 || release?.ok === null) && (
        <Group title="Odd, but fine">
          {odd.map((check) => (
            <Check key={check.id} check={check} {...props} />
          ))}
          {release?.ok === null && <Release release={release} />}
        </Group>
      )}
      <ExpandableSection toggleText={`${well.length} checks passed${skipped > 0 ? `, ${skipped} do not apply here` : ""}`}>
        <ul className={styles["checks"]} data-testid="passed">
          {well.map((check) => (
            <li key={check.id} className={styles["plain"]}>
              <StateLabel status="success">{check.title}</StateLabel> <span className={styles["finding"]}>{check.measured}</span>
            </li>
          ))}
        </ul>
      </ExpandableSection>
    </>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles["group"]}>
      <Title headingLevel="h2" size="lg">
        {title}
      </Title>
      <ul className={styles["checks"]}>{children}</ul>
    </section>
  );
}

const WORDS: Record<Tone, ["danger" | "warning" | "success", string]> = {
  stops: ["danger", "Stops"],
  odd: ["warning", "Odd"],
  well: ["success", "Good"],
};

function Check({ check, answers, onChange }: { check: CheckResult } & ChecksProps) {
  const [status, word] = WORDS[toneOf(check, answers.waivedChecks) ?? "well"];
  const waived = answers.waivedChecks.includes(check.id);
  const waive = (on: boolean) => onChange({ waivedChecks: on ? [...answers.waivedChecks, check.id] : answers.waivedChecks.filter((id) => id !== check.id) });
  return (
    <li className={styles["check"]} data-testid={`check-${check.id}`} data-tone={status}>
      <StateLabel status={check.outcome === "unknown" ? "custom" : status}>{check.outcome === "unknown" ? "Unknown" : word}</StateLabel>
      <strong className={styles["finding"]}>{finding(check)}</strong>
      <div className={styles["detail"]}>
        <span className={styles["why"]}>{check.why}</span>
        {check.outcome !== "unknown" && (
          <span className={styles["finding"]}>
            {check.fix} <CopyButton text={check.fix} label={`what to do about ${check.title}`} />
          </span>
        )}
        {mayWaive(check) && <Checkbox id={`waive-${check.id}`} label="I know about this: install anyway" isChecked={waived} onChange={(_, on) => waive(on)} />}
      </div>
    </li>
  );
}

/** Whether the wanted release is there, in the words of the registry's failure where it is not. */
function Release({ release }: { release: ReleaseCheck }) {
  const { failure } = release;
  return (
    <li className={styles["check"]} data-testid="check-release" data-tone={release.ok === false ? "danger" : "warning"}>
      <StateLabel status={release.ok === false ? "danger" : "custom"}>{release.ok === false ? "Stops" : "Unknown"}</StateLabel>
      <strong className={styles["finding"]}>{failure ? failure.message : `Whether the release ${release.reference} is there could not be told in time`}</strong>
      {failure && (
        <div className={styles["detail"]}>
          <span className={styles["why"]}>{failure.suspectedCause}</span>
          <span className={styles["finding"]}>{failure.suggestedNextStep}</span>
        </div>
      )}
    </li>
  );
}

/** Wrong DNS servers are corrected where they are found wanting. */
function NameServers({ answers, resolvers, busy, onChange, onAgain }: ChecksProps) {
  return (
    <li className={styles["check"]} data-testid="dns-here">
      <span />
      <div className={styles["detail"]}>
        <DnsField answers={answers} found={{}} onChange={onChange} resolvers={resolvers} />
        <div>
          <Button variant="secondary" isDisabled={busy} isLoading={busy} onClick={onAgain}>
            Check again
          </Button>
        </div>
      </div>
    </li>
  );
}
