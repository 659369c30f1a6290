import { lazy, useRef } from "react";
import type { Status } from "../../api/document";
import { usePath } from "../../app/router";
import { Loading } from "../../components/Loading";
import { useStatus } from "../../live/status";
import StatusPage from "../status/StatusPage";
import { isInstalling } from "./installing";

const InstallPage = lazy(() => import("../install/InstallPage"));

/** What `/` shows: the install while it is not finished, the status from then on; `/status` is always the latter. */
export default function HomePage() {
  const path = usePath();
  const live = useStatus();
  // Whoever watches an install sees its end on the same page.
  const watching = useRef(false);
  if (path === "/status") return <StatusPage />;
  if (!live.document && live.connection === "connecting") return <Loading label="Asking the appliance" />;
  watching.current ||= isInstalling(live.document as Status | undefined);
  return watching.current ? <InstallPage /> : <StatusPage />;
}
