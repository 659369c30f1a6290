// @vitest-environment node
import { expect, it } from "vitest";
import type { Deployment, Pod } from "../../api/workloads";
import { containerState, deploymentState, named, podState, worstFirst } from "./order";

const pod = (name: string, more: Partial<Pod>) => ({ namespace: "msp", name, phase: "Running", reason: null, ready: true, ...more }) as Pod;
const deployment = (more: Partial<Deployment>) =>
  ({ replicas: 1, readyReplicas: 1, updatedReplicas: 1, generation: 2, observedGeneration: 2, ...more }) as Deployment;

it("shows the worst first, and the equally bad by name", () => {
  const rows = [
    pod("z-fine", {}),
    pod("done", { phase: "Succeeded", ready: false }),
    pod("a-fine", {}),
    pod("starting", { phase: "Pending", reason: "ContainerCreating", ready: false }),
    pod("crashing", { reason: "CrashLoopBackOff", ready: false }),
    pod("odd", { phase: null, ready: false }),
  ];
  expect(worstFirst(rows, podState).map((row) => row.name)).toEqual(["crashing", "starting", "odd", "done", "a-fine", "z-fine"]);
  expect(named(rows, " FINE ").map((row) => row.name)).toEqual(["z-fine", "a-fine"]);
});

it("never calls a pod that is not ready running", () => {
  expect(podState(pod("p", { ready: false })).words).toBe("Not ready");
  expect(podState(pod("p", { phase: "Unknown", ready: false })).status).toBe("custom");
});

it("tells a change that goes on from a failure", () => {
  expect(deploymentState(deployment({})).words).toBe("Ready");
  expect(deploymentState(deployment({ observedGeneration: 1 })).words).toBe("Changing");
  expect(deploymentState(deployment({ readyReplicas: 0 })).status).toBe("danger");
  expect(deploymentState(deployment({ replicas: 0, readyReplicas: 0 })).words).toBe("Switched off");
});

it("names why a container does not run", () => {
  const container = { name: "c", image: null, ports: [], ready: false, restarts: 3 };
  expect(containerState({ ...container, state: "waiting", reason: "ImagePullBackOff" })).toEqual({ status: "danger", words: "ImagePullBackOff" });
  expect(containerState({ ...container, state: "terminated", reason: "Completed" }).words).toBe("Done");
  expect(containerState({ ...container, state: "unknown" }).words).toBe("Not started");
});
