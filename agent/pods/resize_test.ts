import assert from "assert";
import type { Container, Pod, ResourceRequirements } from "../../lib/types/core_v1.ts";
import { groupContainers, type Observed } from "./observed.ts";
import { planContainers } from "./plan_containers.ts";
import { planResize } from "./plan_resize.ts";
import { containerHash } from "./pod_spec.ts";
import { afterStep, allocationFound, asHeld, refusalOf, resizeMessage, resizings, stepsOf } from "./resize.ts";
import { byTurn, followResize, grantResize } from "./resize_grants.ts";
import { newMemory, type PodView } from "./view.ts";

const now = Date.UTC(2026, 0, 2, 3, 4, 5);

/** `cpu/memory` of requests, and of limits: `100m/64Mi 1/128Mi`. */
function resources(text: string): ResourceRequirements {
  const list = (part: string) => {
    const [cpu, memory] = part.split("/");
    return { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) };
  };
  const [requests = "", limits = ""] = text.split(" ");
  return { requests: list(requests), limits: list(limits) };
}

const container = (name: string, text: string, more: Partial<Container> = {}): Container => ({
  name,
  image: "app:1",
  resources: resources(text),
  ...more,
});

function podOf(...containers: Container[]): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns", uid: "u", resourceVersion: "1", creationTimestamp: "", generation: 2 },
    spec: { containers },
    status: {},
  };
}

/** Running containers of the pod as they were created; `had`: with what. */
function viewOf(pod: Pod, had: Record<string, string>): PodView {
  const running = pod.spec.containers.map((spec): Observed => ({
    id: `${spec.name}-0`,
    podUid: "u",
    podName: "p",
    podNamespace: "ns",
    container: spec.name,
    attempt: 0,
    sandboxAttempt: 0,
    restartDelayMs: 0,
    hash: containerHash(spec),
    ...(had[spec.name] === undefined ? {} : { resources: resources(had[spec.name]!) }),
    state: "running",
    pid: 7,
    exitCode: 0,
    oomKilled: false,
    lost: false,
    createdMs: now,
    startedMs: now,
    finishedMs: undefined,
    error: "",
    image: "app:1",
    imageId: "sha256:1",
  }));
  const sandbox: Observed = { ...running[0]!, id: "box", container: "POD" };
  return {
    pod,
    wanted: true,
    memory: newMemory(),
    drained: true,
    probes: new Map(),
    networkWait: undefined,
    ...groupContainers([...running, sandbox]),
  };
}

/** `app memory memoryBytes=1` of each step. */
const words = (view: PodView) =>
  stepsOf(resizings(view)).map(({ resizing, resource, update }) =>
    [resizing.container.container, resource, ...Object.entries(update).map((entry) => entry.join("="))].join(" ")
  );

Deno.test("stepsOf() changes what differs only, memory first, and what becomes less before what becomes more", () => {
  const table: [string, PodView, string[]][] = [
    ["nothing", viewOf(podOf(container("a", "1/64Mi 1/64Mi")), { a: "1000m/65536Ki 1/64Mi" }), []],
    ["cpu", viewOf(podOf(container("a", "200m/64Mi 400m/64Mi")), { a: "100m/64Mi 200m/64Mi" }), [
      "a cpu cpuShares=204 nanoCpus=400000000",
    ]],
    ["a cpu request", viewOf(podOf(container("a", "500m/ 1/")), { a: "250m/ 1/" }), ["a cpu cpuShares=512"]],
    ["a memory request", viewOf(podOf(container("a", "/32Mi /64Mi")), { a: "/16Mi /64Mi" }), ["a memory"]],
    ["a first limit", viewOf(podOf(container("a", "100m/ /1Mi")), { a: "100m/" }), ["a memory memoryBytes=1048576"]],
    [
      "three containers",
      viewOf(podOf(container("a", "2/3Mi 2/3Mi"), container("b", "1/2Mi 1/2Mi"), container("c", "1/ 3/")), {
        a: "1/2Mi 1/2Mi",
        b: "2/3Mi 2/3Mi",
        c: "1/ 4/",
      }),
      [
        "b memory memoryBytes=2097152",
        "a memory memoryBytes=3145728",
        "b cpu cpuShares=1024 nanoCpus=1000000000",
        "c cpu nanoCpus=3000000000",
        "a cpu cpuShares=2048 nanoCpus=2000000000",
      ],
    ],
  ];
  for (const [name, view, steps] of table) assert.deepEqual(words(view), steps, name);
});

Deno.test("what is applied is known by the agent's memory, then by the status, then by how it was created", () => {
  const view = viewOf(podOf(container("a", "3/ 3/")), { a: "1/ 1/" });
  const applied = () => resizings(view)[0]?.from.requests?.cpu;
  assert.equal(applied(), "1");
  const status = { name: "a", containerID: "podman://a-0", state: { running: {} }, resources: resources("2/ 2/") };
  view.pod.status.containerStatuses = [{ ...status, image: "", imageID: "", ready: true, restartCount: 0 }];
  assert.equal(applied(), "2");
  view.memory.applied.set("a-0", resources("3/ 3/"));
  assert.equal(applied(), undefined);
  assert.deepEqual(resizings(viewOf(podOf(container("a", "3/ 3/")), {})), [], "an older agent's container has it all");
});

Deno.test("afterStep() is what a container has when one resource was changed and the other was not", () => {
  const view = viewOf(podOf(container("a", "2/2Mi 2/2Mi")), { a: "1/1Mi 1/1Mi" });
  const [memory, cpu] = stepsOf(resizings(view));
  const first = afterStep(resources("1/1Mi 1/1Mi"), memory!);
  assert.deepEqual(first, resources("1/2Mi 1/2Mi"));
  assert.deepEqual(afterStep(first, cpu!), resources("2/2Mi 2/2Mi"));
});

Deno.test("planResize() leaves to a restart what a policy says, and waits after a refusal", () => {
  const policy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }] as Container["resizePolicy"];
  const memory = viewOf(podOf(container("a", "1/2Mi 1/2Mi", { resizePolicy: policy })), { a: "1/1Mi 1/1Mi" });
  assert.deepEqual(planResize(memory, now), []);
  const [stop] = planContainers(memory, now);
  assert.ok(stop?.do === "stop" && stop.replace);
  assert.equal(stop.message, "Container a resize requires restart");
  const cpu = viewOf(podOf(container("a", "2/1Mi 2/1Mi", { resizePolicy: policy })), { a: "1/1Mi 1/1Mi" });
  assert.deepEqual(planContainers(cpu, now), []);
  assert.equal(planResize(cpu, now)[0]?.do, "resize");
  const failure = { reason: "Error", message: "no", failures: 1, failedAt: now, retryAt: now + 5 };
  const failed = { ...cpu, memory: { ...cpu.memory, resizeFailure: failure } };
  assert.deepEqual(planResize(failed, now).map((action) => action.do), ["wakeAt"]);
  assert.deepEqual(planResize(failed, now + 5).map((action) => action.do), ["resize"]);
});

Deno.test("refusalOf() says what never fits, and what does not fit now", () => {
  const allocatable = { cpu: "4", memory: "4Gi", pods: "10" };
  const table: [string, string[], ReturnType<typeof refusalOf>][] = [
    ["4/4Gi", [], undefined],
    ["5/1Gi", [], {
      reason: "Infeasible",
      message: "Node didn't have enough capacity: cpu, requested: 5000, capacity: 4000",
    }],
    ["5/4500Mi", [], {
      reason: "Infeasible",
      message: "Node didn't have enough capacity: memory, requested: 4718592000, capacity: 4294967296",
    }],
    ["2/1Gi", ["2500m/1Gi"], {
      reason: "Deferred",
      message: "Node didn't have enough resource: cpu, requested: 2000, used: 2500, capacity: 4000",
    }],
    ["1500m/1Gi", ["2500m/1Gi"], undefined],
  ];
  for (const [wanted, others, expected] of table) {
    const room = { allocatable, labels: {}, others: others.map((text) => podOf(container("o", text))) };
    assert.deepEqual(refusalOf(podOf(container("a", wanted)), room), expected, wanted);
  }
});

Deno.test("grantResize() grants what fits, and tells once of what does not", () => {
  const memory = newMemory();
  memory.allocation = new Map([["a", resources("1/ 1/")]]);
  const room = (cpu: string) => () => ({ allocatable: { cpu, memory: "1Gi", pods: "10" }, labels: {}, others: [] });
  const pod = podOf(container("a", "2/ 2/"));
  const grant = (cpu: string) => grantResize(pod, memory, room(cpu)).told.map(({ reason }) => reason);
  assert.deepEqual(grant("1"), ["ResizeInfeasible"]);
  assert.deepEqual(grant("1"), []);
  assert.equal(memory.allocation.get("a")!.requests!.cpu, "1");
  assert.deepEqual(grant("2"), ["ResizeStarted"]);
  assert.deepEqual([memory.resizePending, memory.resizing], [undefined, { generation: 2 }]);
  assert.equal(memory.allocation.get("a")!.requests!.cpu, "2");
  assert.deepEqual(grant("2"), []);
  // Taken back before it was granted: nobody waits any longer.
  memory.resizePending = { reason: "Deferred", message: "", generation: 1 };
  assert.deepEqual(grant("1"), []);
  assert.equal(memory.resizePending, undefined);
});

Deno.test("followResize() tells of the end when nothing differs and nothing is being restarted for it", () => {
  const view = viewOf(podOf(container("a", "2/ 2/")), { a: "1/ 1/" });
  const { memory } = view;
  const follow = () => followResize(view, newest).map(({ reason }) => reason);
  const newest = memory as ReturnType<typeof newMemory>;
  assert.deepEqual(follow(), []);
  assert.deepEqual(memory.resizing, { generation: 2 });
  newest.applied.set("a-0", resources("2/ 2/"));
  assert.deepEqual(follow(), ["ResizeCompleted"]);
  assert.deepEqual(follow(), []);
});

Deno.test("asHeld() counts a pod with what it still has while it gets less", () => {
  const view = viewOf(podOf(container("a", "1/3Gi")), { a: "2/1Gi" });
  assert.deepEqual(asHeld(view).spec.containers[0]!.resources!.requests, { cpu: "2", memory: "3Gi" });
});

Deno.test("allocationFound() believes the checkpoint, then the status, then the pod", () => {
  const pod = podOf(container("a", "3/ 3/"));
  const cpu = (saved?: Pod) => allocationFound(pod, saved).get("a")!.requests!.cpu;
  assert.equal(cpu(), "3");
  const status = { name: "a", image: "", imageID: "", ready: true, restartCount: 0 };
  pod.status.containerStatuses = [{ ...status, resources: resources("1/ 3/"), allocatedResources: { cpu: "2" } }];
  assert.equal(cpu(), "2");
  assert.equal(cpu(podOf(container("a", "1/ 1/"))), "1");
});

Deno.test("byTurn() looks first at who gets less, then at priority, class and patience", () => {
  const waiting = (name: string, text: string, more: Partial<Pod["spec"]> = {}, since = "2026-01-01T00:00:00Z") => {
    const pod = podOf(container("a", text));
    pod.metadata.name = name;
    Object.assign(pod.spec, more);
    pod.status.conditions = [{ type: "PodResizePending", status: "True", lastTransitionTime: since }];
    const memory = newMemory();
    memory.allocation = new Map([["a", resources("2/1Gi")]]);
    return { pod, memory };
  };
  const all = [
    waiting("late", "3/1Gi", {}, "2026-01-03T00:00:00Z"),
    waiting("early", "3/1Gi"),
    waiting("guaranteed", "3/1Gi 3/1Gi"),
    waiting("important", "3/1Gi", { priority: 7 }),
    waiting("less", "1/1Gi"),
  ];
  const turns = all.sort(byTurn).map(({ pod }) => pod.metadata.name);
  assert.deepEqual(turns, ["less", "important", "guaranteed", "early", "late"]);
});

Deno.test("resizeMessage() has upstream's form", () => {
  const pod = podOf(container("c0", "100m/100 100m/100"), { name: "c1" });
  pod.spec.initContainers = [container("s", "1/", { restartPolicy: "Always" }), container("i", "1/")];
  const list = '{"limits":{"cpu":"100m","memory":"100"},"requests":{"cpu":"100m","memory":"100"}}';
  assert.equal(
    resizeMessage("error", pod, { generation: 1, error: "no" }),
    'Pod resize error: {"initContainers":[{"name":"s","resources":{"limits":{},"requests":{"cpu":"1"}}}],' +
      `"containers":[{"name":"c0","resources":${list}},{"name":"c1","resources":{}}],"generation":1,"error":"no"}`,
  );
});
