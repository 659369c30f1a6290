import type { Status } from "../../api/document";

/**
 * Whether the first installation is still under way: setup has steps to do, or what it handed over has
 * never been ready. Later troubles of a box that was ready are no installation. Pure.
 */
export function isInstalling(status: Status | undefined): boolean {
  if (!status?.plan) return false;
  switch (status.plan.state) {
    case "queued":
    case "running":
    case "blocked":
    case "interrupted":
    case "cancelled":
      return true;
    case "complete":
      return status.rollup?.state === "installing" && status.bootstrap?.job.completed === false;
    case "empty":
      return false;
  }
}
