import { useCallback } from "react";
import { pods } from "../../api/workloads";
import { useRefreshed } from "../../components/refreshed";
import { Section } from "../../components/Section";
import { Missing } from "./Missing";
import { named, podState, worstFirst } from "./order";
import { ALL } from "./place";
import { PodRow } from "./PodRow";
import { Rows } from "./Rows";

/** The pods of a namespace. */
export function Pods({ namespace, text }: { namespace: string; text: string }) {
  const load = useCallback((signal?: AbortSignal) => pods(namespace, signal), [namespace]);
  const asked = useRefreshed(load, 10);
  const rows = asked.data && worstFirst(named(asked.data.pods, text), podState);
  return (
    <Section title="Pods" testId="pods">
      <Rows
        rows={rows}
        failure={asked.failure}
        reload={asked.reload}
        none={text ? "None has such a name." : "There is none here."}
        row={(pod) => <PodRow pod={pod} withNamespace={namespace === ALL} />}
      />
      <Missing leftOut={asked.data?.leftOut} />
    </Section>
  );
}
