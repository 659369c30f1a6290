import { useQuery } from "../../app/router";
import { DeploymentDetail } from "./DeploymentDetail";
import { placeOf } from "./place";
import { PodDetail } from "./PodDetail";
import { WorkloadList } from "./WorkloadList";

/** What runs in the cluster: all of a namespace, or one pod or Deployment, as the address says. */
export default function WorkloadsPage() {
  const { namespace, pod, deployment } = placeOf(useQuery());
  if (pod) return <PodDetail key={`${namespace}/${pod}`} namespace={namespace} name={pod} />;
  if (deployment) return <DeploymentDetail key={`${namespace}/${deployment}`} namespace={namespace} name={deployment} />;
  return <WorkloadList namespace={namespace} />;
}
