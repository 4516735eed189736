import assert from "assert";
import type { ContainerStatus, Pod, PodSpec, PodStatus } from "../../../../lib/types/core_v1.ts";
import { header, now, row } from "../../meta/kind_scene.ts";
import { pod as podKind } from "../pod.ts";

const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString();

function pod(status: PodStatus, spec: Partial<PodSpec> = {}, meta: Partial<Pod["metadata"]> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "d", uid: "u", resourceVersion: "1", creationTimestamp: at(90), ...meta },
    spec: { containers: [{ name: "a" }, { name: "b" }], ...spec },
    status,
  };
}

function container(
  name: string,
  state: ContainerStatus["state"],
  more: Partial<ContainerStatus> = {},
): ContainerStatus {
  return { name, image: "", imageID: "", ready: false, restartCount: 0, state, ...more };
}
const running = (name: string, more = {}) => container(name, { running: {} }, { ready: true, ...more });
const ended = (name: string, exitCode: number, more = {}) =>
  container(name, { terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", ...more } });
const waiting = (name: string, reason: string) => container(name, { waiting: { reason } });

const init = { initContainers: [{ name: "i" }, { name: "j" }] };
const sidecar = { initContainers: [{ name: "i", restartPolicy: "Always" }] };
const last = (secondsAgo: number) => ({ terminated: { exitCode: 1, finishedAt: at(secondsAgo) } });

Deno.test("pod columns are those of kubectl get -o wide", () => {
  assert.equal(
    header(podKind),
    "Name, Ready, Status, Restarts, Age, IP*, Node*, Nominated Node*, Readiness Gates*",
  );
});

Deno.test("pod columns tell what a pod is doing as printPod does", () => {
  const table: [Pod, string][] = [
    [pod({ phase: "Pending" }), "0/2 Pending 0"],
    [
      pod({ phase: "Pending", conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }),
      "0/2 SchedulingGated 0",
    ],
    [pod({ phase: "Running", containerStatuses: [running("a"), running("b")] }), "2/2 Running 0"],
    [
      pod({ phase: "Pending", containerStatuses: [waiting("a", "ContainerCreating"), waiting("b", "ErrImagePull")] }),
      "0/2 ContainerCreating 0",
    ],
    [
      pod({
        phase: "Running",
        containerStatuses: [
          { ...waiting("a", "CrashLoopBackOff"), restartCount: 3, lastState: last(300) },
          running("b"),
        ],
      }),
      "1/2 CrashLoopBackOff 3 (5m ago)",
    ],
    [pod({ phase: "Succeeded", containerStatuses: [ended("a", 0), ended("b", 0)] }), "0/2 Completed 0"],
    [pod({ phase: "Running", containerStatuses: [ended("a", 0), running("b")] }), "1/2 NotReady 0"],
    [
      pod({
        phase: "Running",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [ended("a", 0), running("b")],
      }),
      "1/2 Running 0",
    ],
    [
      pod({ phase: "Failed", containerStatuses: [ended("a", 137, { reason: undefined, signal: 9 })] }),
      "0/2 Signal:9 0",
    ],
    [pod({ phase: "Failed", containerStatuses: [ended("a", 3, { reason: "" })] }), "0/2 ExitCode:3 0"],
    [pod({ phase: "Failed", reason: "Evicted" }), "0/2 Evicted 0"],
    [pod({ phase: "Pending", initContainerStatuses: [waiting("i", "PodInitializing")] }, init), "0/2 Init:0/2 0"],
    [
      pod({ phase: "Pending", initContainerStatuses: [ended("i", 0), container("j", { running: {} })] }, init),
      "0/2 Init:1/2 0",
    ],
    [
      pod({ phase: "Pending", initContainerStatuses: [waiting("i", "CrashLoopBackOff")] }, init),
      "0/2 Init:CrashLoopBackOff 0",
    ],
    [
      pod({ phase: "Pending", initContainerStatuses: [{ ...ended("i", 2), restartCount: 4 }] }, init),
      "0/2 Init:Error 4",
    ],
    [
      pod({
        phase: "Pending",
        initContainerStatuses: [ended("i", 0), ended("j", 0)],
        containerStatuses: [waiting("a", "PodInitializing")],
      }, init),
      "0/2 PodInitializing 0",
    ],
    [
      pod({
        phase: "Running",
        initContainerStatuses: [running("i", { started: true, restartCount: 2 })],
        containerStatuses: [running("a"), running("b")],
      }, sidecar),
      "3/3 Running 2",
    ],
    [pod({ phase: "Pending", initContainerStatuses: [running("i", { started: false })] }, sidecar), "0/3 Init:0/1 0"],
    [
      pod({ phase: "Running", containerStatuses: [running("a")] }, {}, { deletionTimestamp: at(0) }),
      "1/2 Terminating 0",
    ],
    [pod({ phase: "Running", reason: "NodeLost" }, {}, { deletionTimestamp: at(0) }), "0/2 Unknown 0"],
    [pod({ phase: "Succeeded" }, {}, { deletionTimestamp: at(0) }), "0/2 Succeeded 0"],
  ];
  for (const [object, expected] of table) {
    assert.equal(row(podKind, object).split(" |")[0], `p ${expected} 90s`, JSON.stringify(object.status));
  }
});

Deno.test("pod columns show addresses, nodes and gates with -o wide", () => {
  const gates = { readinessGates: [{ conditionType: "x/a" }, { conditionType: "x/b" }] };
  const conditions = [{ type: "x/a", status: "True" }, { type: "x/b", status: "False" }];
  assert.equal(row(podKind, pod({ phase: "Pending" })).split("| ")[1], "<none> <none> <none> <none>");
  const full = pod({ podIPs: [{ ip: "10.1.0.5" }], nominatedNodeName: "n2", conditions }, { nodeName: "n1", ...gates });
  assert.equal(row(podKind, full).split("| ")[1], "10.1.0.5 n1 n2 1/2");
});
