import type { Pod } from "../../api/workloads";
import { Link } from "../../app/router";
import { Moment } from "../../components/Moment";
import { StateLabel } from "../../components/StateLabel";
import { podState } from "./order";
import { pathOf } from "./place";
import styles from "./Workloads.module.css";

/** One pod in a list. */
export function PodRow({ pod, withNamespace }: { pod: Pod; withNamespace: boolean }) {
  const { status, words } = podState(pod);
  return (
    <>
      <StateLabel status={status}>{words}</StateLabel>
      <Link to={pathOf({ namespace: pod.namespace, pod: pod.name })}>{withNamespace ? `${pod.namespace}/${pod.name}` : pod.name}</Link>
      <span className={`${styles["push"]} ${styles["small"]}`}>
        {/* The containers of a job that is done have ended: none of them is ready, and that is well. */}
        {pod.phase === "Succeeded" ? "ended well" : `${pod.readyContainers} of ${pod.totalContainers} ready`}
        {pod.restarts > 0 && `, ${pod.restarts} restart${pod.restarts === 1 ? "" : "s"}`}
        {pod.createdAt && (
          <>
            , made <Moment at={pod.createdAt} />
          </>
        )}
      </span>
    </>
  );
}
