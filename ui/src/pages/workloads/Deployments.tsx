import { useCallback } from "react";
import { deployments } from "../../api/workloads";
import { Link } from "../../app/router";
import { useRefreshed } from "../../components/refreshed";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import { Missing } from "./Missing";
import { deploymentState, named, worstFirst } from "./order";
import { pathOf } from "./place";
import { Rows } from "./Rows";
import styles from "./Workloads.module.css";

/** The Deployments of a namespace. */
export function Deployments({ namespace, text }: { namespace: string; text: string }) {
  const load = useCallback((signal?: AbortSignal) => deployments(namespace, signal), [namespace]);
  const asked = useRefreshed(load, 10);
  const rows = asked.data && worstFirst(named(asked.data.deployments, text), deploymentState);
  return (
    <Section title="Deployments" testId="deployments">
      <Rows
        rows={rows}
        failure={asked.failure}
        reload={asked.reload}
        none={text ? "None has such a name." : "There is none here."}
        row={(deployment) => {
          const { status, words } = deploymentState(deployment);
          return (
            <>
              <StateLabel status={status}>{words}</StateLabel>
              <Link to={pathOf({ namespace: deployment.namespace, deployment: deployment.name })}>{deployment.name}</Link>
              <span className={styles["push"]}>
                {deployment.readyReplicas} of {deployment.replicas} ready
              </span>
            </>
          );
        }}
      />
      <Missing leftOut={asked.data?.leftOut} />
    </Section>
  );
}
