import { lazy, useRef } from "react";
import type { Status } from "../../api/document";
import { usePath } from "../../app/router";
import { Loading } from "../../components/Loading";
import { useStatus } from "../../live/status";
import { usePlan } from "../install/plan";
import { isInstalling } from "./installing";

const InstallPage = lazy(() => import("../install/InstallPage"));
const StatusPage = lazy(() => import("../status/StatusPage"));

/**
 * What `/` shows: the install while it is not finished, the status from then on; `/status` is always the
 * latter. Whoever watched the install keeps it on the screen to its end, so that no page goes away under
 * the reader.
 */
export default function HomePage() {
  const path = usePath();
  const document = useStatus().document as Status | undefined;
  const { plan, failure } = usePlan();
  const watched = useRef(false);
  if (path === "/status") return <StatusPage />;
  watched.current ||= isInstalling(plan, document);
  if (watched.current) return <InstallPage />;
  return plan || failure || document?.plan === null ? <StatusPage /> : <Loading label="Asking the appliance" />;
}
