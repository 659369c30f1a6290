import { useCallback } from "react";
import { type Deployment, deployments, pods } from "../../api/workloads";
import { Link } from "../../app/router";
import { ErrorState, Failed } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import { Moment } from "../../components/Moment";
import { PageHeading } from "../../components/PageHeading";
import { useRefreshed } from "../../components/refreshed";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import { deploymentState, podState, worstFirst } from "./order";
import { pathOf } from "./place";
import { PodRow } from "./PodRow";
import { Restart } from "./Restart";
import { Rows } from "./Rows";
import styles from "./Workloads.module.css";

/** One Deployment: how it is, its pods, its versions, and a restart where one is safe. */
export function DeploymentDetail({ namespace, name }: { namespace: string; name: string }) {
  const load = useCallback((signal?: AbortSignal) => deployments(namespace, signal), [namespace]);
  const asked = useRefreshed(load, 5);
  if (!asked.data) return asked.failure ? <ErrorState failure={asked.failure} onRetry={asked.reload} /> : <Loading label="Asking the cluster" />;
  const deployment = asked.data.deployments.find((each) => each.name === name);
  const state = deployment && deploymentState(deployment);
  return (
    <>
      <Link to={pathOf({ namespace })} className={styles["back"]}>
        All workloads of {namespace}
      </Link>
      <PageHeading title={name} aside={state && <StateLabel status={state.status}>{state.words}</StateLabel>} />
      {asked.failure && <Failed failure={asked.failure} onRetry={asked.reload} />}
      {deployment ? <Shown deployment={deployment} onRestarted={asked.reload} /> : <p>There is no such Deployment any more.</p>}
    </>
  );
}

function Shown({ deployment, onRestarted }: { deployment: Deployment; onRestarted: () => Promise<void> }) {
  return (
    <>
      <Restart deployment={deployment} onRestarted={onRestarted} />
      <dl className={styles["facts"]}>
        <dt>Ready</dt>
        <dd>
          {deployment.readyReplicas} of {deployment.replicas}
        </dd>
        <dt>Made</dt>
        <dd>
          <Moment at={deployment.createdAt} />
        </dd>
        <dt>Images</dt>
        <dd>
          {deployment.images.map((image) => (
            <div key={image}>{image}</div>
          ))}
        </dd>
      </dl>
      <Its deployment={deployment} />
      <Conditions deployment={deployment} />
    </>
  );
}

/** Its pods are those whose name begins with one of its versions'. */
function Its({ deployment }: { deployment: Deployment }) {
  const { namespace, replicaSets } = deployment;
  const load = useCallback((signal?: AbortSignal) => pods(namespace, signal), [namespace]);
  const asked = useRefreshed(load, 5);
  const mine = asked.data?.pods.filter((pod) => replicaSets.some((set) => pod.name.startsWith(`${set.name}-`)));
  return (
    <Section title="Its pods" testId="pods">
      <Rows rows={mine && worstFirst(mine, podState)} failure={asked.failure} reload={asked.reload} none="There is none." row={(pod) => <PodRow pod={pod} withNamespace={false} />} />
    </Section>
  );
}

function Conditions({ deployment }: { deployment: Deployment }) {
  if (deployment.conditions.length === 0) return null;
  return (
    <Section title="What its controller says">
      <ul className={styles["list"]}>
        {deployment.conditions.map((condition) => (
          <li key={condition.type} className={styles["row"]}>
            <strong>
              {condition.type}: {condition.status}
            </strong>
            <span>{condition.message}</span>
            <span className={`${styles["push"]} ${styles["small"]}`}>
              <Moment at={condition.lastTransitionTime} />
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
