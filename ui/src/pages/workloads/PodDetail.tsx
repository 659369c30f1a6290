import { useCallback } from "react";
import { events, type Pod, pods } from "../../api/workloads";
import { Link } from "../../app/router";
import { ErrorState, Failed } from "../../components/ErrorState";
import { Loading } from "../../components/Loading";
import { Moment } from "../../components/Moment";
import { PageHeading } from "../../components/PageHeading";
import { useRefreshed } from "../../components/refreshed";
import { Section } from "../../components/Section";
import { StateLabel } from "../../components/StateLabel";
import { Containers } from "./Containers";
import { EventList } from "./EventList";
import { LogPanel } from "./LogPanel";
import { Missing } from "./Missing";
import { podState } from "./order";
import { pathOf } from "./place";
import styles from "./Workloads.module.css";

/** One pod: how it is, its containers, their logs, its events. */
export function PodDetail({ namespace, name }: { namespace: string; name: string }) {
  const load = useCallback((signal?: AbortSignal) => pods(namespace, signal), [namespace]);
  const asked = useRefreshed(load, 10);
  const pod = asked.data?.pods.find((each) => each.name === name && each.namespace === namespace);
  const back = (
    <Link to={pathOf({ namespace })} className={styles["back"]}>
      All workloads of {namespace}
    </Link>
  );
  if (!asked.data) return asked.failure ? <ErrorState failure={asked.failure} onRetry={asked.reload} /> : <Loading label="Asking the cluster" />;
  const state = pod && podState(pod);
  return (
    <>
      {back}
      <PageHeading title={name} aside={state && <StateLabel status={state.status}>{state.words}</StateLabel>} />
      {asked.failure && <Failed failure={asked.failure} onRetry={asked.reload} />}
      {pod ? <Shown pod={pod} /> : <p>There is no such pod any more. One that replaced it has another name: look at the list.</p>}
    </>
  );
}

function Shown({ pod }: { pod: Pod }) {
  return (
    <>
      <dl className={styles["facts"]}>
        <dt>Ready</dt>
        <dd>
          {pod.readyContainers} of {pod.totalContainers} containers
        </dd>
        <dt>Made</dt>
        <dd>
          <Moment at={pod.createdAt} />
        </dd>
        <dt>Restarts</dt>
        <dd>{pod.restarts}</dd>
        <dt>Address</dt>
        <dd>{pod.podIP ?? "none yet"}</dd>
        <dt>Node</dt>
        <dd>{pod.node ?? "none yet"}</dd>
      </dl>
      <Containers pod={pod} />
      <LogPanel pod={pod} />
      <Events namespace={pod.namespace} about={`Pod/${pod.name}`} />
    </>
  );
}

function Events({ namespace, about }: { namespace: string; about: string }) {
  const load = useCallback((signal?: AbortSignal) => events(namespace, signal), [namespace]);
  const { data, failure, reload } = useRefreshed(load, 15);
  return (
    <Section title="Events" testId="events">
      {failure && <Failed failure={failure} onRetry={reload} />}
      {data && <EventList events={data.events.filter((event) => event.involvedObject === about)} />}
      <Missing leftOut={data?.leftOut} />
    </Section>
  );
}
