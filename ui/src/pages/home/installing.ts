import type { Status } from "../../api/document";
import type { Plan } from "../../api/setup";

/**
 * Whether the first installation is still under way: setup has steps to do, or what it handed over has
 * never been ready. Later troubles of a box that was ready are no installation. Pure.
 */
export function isInstalling(plan: Plan | undefined, status: Status | undefined): boolean {
  switch (plan?.state) {
    case "queued":
    case "running":
    case "blocked":
    case "interrupted":
    case "cancelled":
      return true;
    case "complete":
      return status?.rollup?.state === "installing" && status.bootstrap?.job.completed === false;
    case "empty":
    case undefined:
      return false;
  }
}
