import { lazy, useRef } from "react";
import { Loading } from "../../components/Loading";
import { useStatus } from "../../live/status";
import { usePlan } from "../install/plan";

const InstallPage = lazy(() => import("../install/InstallPage"));
const StatusPage = lazy(() => import("../status/StatusPage"));

/**
 * What `/` shows: the install while it is not finished, the status from then on. Whoever watched the
 * install keeps it on the screen to its end, so that no page goes away under the reader.
 */
export default function HomePage() {
  const { document } = useStatus();
  const { plan, failure } = usePlan();
  const watched = useRef(false);
  const unfinished = plan !== undefined && plan.state !== "complete" && plan.state !== "empty";
  if (unfinished) watched.current = true;
  if (watched.current) return <InstallPage />;
  return plan || failure || document?.plan === null ? <StatusPage /> : <Loading label="Asking the appliance" />;
}
