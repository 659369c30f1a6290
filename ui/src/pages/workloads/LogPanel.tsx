import { useMemo, useState } from "react";
import { FormSelect, FormSelectOption } from "@patternfly/react-core/dist/esm/components/FormSelect";
import { Switch } from "@patternfly/react-core/dist/esm/components/Switch";
import type { LogQuery, Pod } from "../../api/workloads";
import { Section } from "../../components/Section";
import { useLog } from "./followed";
import { containerState } from "./order";
import { LogView } from "./LogView";
import styles from "./Log.module.css";

const SIZES = [200, 1000, 5000, 10_000];

/** The log of one container of a pod. */
export function LogPanel({ pod }: { pod: Pod }) {
  const all = [...(pod.initContainers ?? []), ...pod.containers];
  const [container, setContainer] = useState(() => firstToRead(pod));
  const [tail, setTail] = useState(SIZES[0]!);
  const [previous, setPrevious] = useState(false);
  const [follow, setFollow] = useState(true);
  const { namespace, name } = pod;
  const query: LogQuery = useMemo(() => ({ namespace, pod: name, container, tail, previous }), [namespace, name, container, tail, previous]);
  const log = useLog(query, follow && !previous);
  return (
    <Section title="Log" testId="log">
      <div className={styles["controls"]}>
        <FormSelect aria-label="Container" value={container} onChange={(_, value) => setContainer(value)}>
          {all.map((each) => (
            <FormSelectOption key={each.name} value={each.name} label={each.name} />
          ))}
        </FormSelect>
        <FormSelect aria-label="Newest lines" value={String(tail)} onChange={(_, value) => setTail(Number(value))}>
          {SIZES.map((size) => (
            <FormSelectOption key={size} value={String(size)} label={`${size} lines`} />
          ))}
        </FormSelect>
        <Switch id="follow" label="Follow" isChecked={follow && !previous} isDisabled={previous} onChange={(_, on) => setFollow(on)} />
        <Switch id="previous" label="Run before the last restart" isChecked={previous} onChange={(_, on) => setPrevious(on)} />
      </div>
      <LogView key={`${container} ${previous}`} log={log} name={`${pod.name}-${container}`} />
    </Section>
  );
}

/** What one comes to read: the container that is in trouble, else the first that is not done. */
function firstToRead(pod: Pod): string {
  const inits = pod.initContainers ?? [];
  const all = [...inits, ...pod.containers];
  const bad = all.find((each) => containerState(each).status === "danger");
  const waiting = inits.find((each) => containerState(each).status === "success" || containerState(each).status === "warning");
  const isHeldUp = waiting && pod.readyContainers === 0;
  return (bad ?? (isHeldUp ? waiting : undefined) ?? pod.containers[0] ?? inits[0])?.name ?? "";
}
