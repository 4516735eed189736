import assert from "assert";
import type { Container, Pod, PodSpec, PodStatus } from "../../lib/types/core_v1.ts";
import type { ImageInfo } from "../engine/engine.ts";
import { operationKey } from "./actions.ts";
import { sandboxName } from "./names.ts";
import { groupContainers, type Observed } from "./observed.ts";
import { planPod } from "./plan.ts";
import { containerHash, memberOf } from "./pod_spec.ts";
import { podStatus } from "./status.ts";
import { type Memory, newMemory, type PodView, type ProbeState } from "./view.ts";

const now = Date.UTC(2026, 0, 2, 3, 4, 5);
const second = 1000;

function makePod(spec: Partial<PodSpec> = {}, more: { status?: PodStatus; deleting?: number } = {}): Pod {
  const deletion = more.deleting === undefined
    ? {}
    : { deletionTimestamp: "2026-01-02T03:04:30Z", deletionGracePeriodSeconds: more.deleting };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", namespace: "ns", uid: "u1", resourceVersion: "1", creationTimestamp: "", ...deletion },
    spec: { containers: [{ name: "app", image: "app:1" }], ...spec },
    status: more.status ?? {},
  };
}

const seen = (pod: Pod, container: string, part: Partial<Observed> = {}): Observed => {
  const spec = memberOf(pod, container)?.container;
  const attempt = part.attempt ?? 0;
  const state = part.state ?? "running";
  return {
    id: `${container}-${attempt}`,
    podUid: "u1",
    podName: "p",
    podNamespace: "ns",
    container,
    attempt,
    sandboxAttempt: 0,
    restartDelayMs: 0,
    hash: spec === undefined ? "" : containerHash(spec),
    state,
    pid: state === "running" ? 7 : 0,
    exitCode: 0,
    oomKilled: false,
    lost: false,
    createdMs: now - 60 * second,
    startedMs: state === "created" ? undefined : now - 60 * second,
    finishedMs: state === "exited" ? now - second : undefined,
    error: "",
    image: "app:1",
    imageId: "sha256:1",
    ...part,
  };
};

const image = { id: "sha256:1" } as ImageInfo;
const sandboxOf = (pod: Pod, part: Partial<Observed> = {}) =>
  seen(pod, sandboxName, { ...part, sandboxAttempt: part.attempt ?? 0 });

interface Scene {
  pod?: Pod;
  containers?: Observed[];
  memory?: (memory: Memory) => void;
  probes?: Record<string, ProbeState>;
  wanted?: boolean;
  networkWait?: string;
  drained?: boolean;
}

/** A pod whose volumes are made, whose network is up and whose images are there. */
function viewOf(scene: Scene): PodView {
  const { pod = makePod(), containers = [], memory, probes = {}, wanted = true, networkWait, drained = true } = scene;
  const made = newMemory();
  made.volumes = { ok: true };
  const grouped = groupContainers(containers);
  const sandbox = grouped.sandboxes[0];
  if (sandbox?.state === "running") made.address = { sandboxId: sandbox.id, ip: "10.244.0.5" };
  for (const { name, image: ref = "" } of [...pod.spec.containers, ...pod.spec.initContainers ?? []]) {
    made.images.set(name, { ref, ok: true, image });
  }
  for (const { id, state } of containers) if (state === "exited") made.messages.set(id, "");
  memory?.(made);
  return { pod, wanted, memory: made, drained, probes: new Map(Object.entries(probes)), networkWait, ...grouped };
}

/** What is planned, as words: `createContainer app 1 delay=10000`, `wakeAt +9`. */
function words(view: PodView, at = now): string[] {
  return planPod(view, at).actions.map((action) => {
    switch (action.do) {
      case "createContainer":
        return `create ${action.member.container.name} ${action.attempt} delay=${action.restartDelayMs / second}`;
      case "createSandbox":
        return `createSandbox ${action.attempt}`;
      case "pullImage":
        return `pull ${action.member.container.name}`;
      case "startContainer":
        return `start ${action.container.id}`;
      case "stop":
        return `stop ${action.container.id} grace=${action.graceMs / second}`;
      case "signal":
        return `${action.signal} ${action.container.id}`;
      case "removeContainer":
        return `remove ${action.container.id}`;
      case "collect":
        return `collect ${action.container.id}`;
      case "backOff":
        return `backOff ${action.member.container.name}`;
      case "fail":
        return `fail ${action.reason}`;
      case "wakeAt":
        return `wakeAt +${(action.at - at) / second}`;
      default:
        return action.do;
    }
  });
}

function check(name: string, scene: Scene, expected: string[]): void {
  Deno.test(`planPod() ${name}`, () => assert.deepEqual(words(viewOf(scene)), expected));
}

const two: Container[] = [{ name: "app", image: "app:1" }, { name: "log", image: "log:1" }];
const init: Container[] = [{ name: "a", image: "a:1" }, { name: "b", image: "b:1" }];
const sidecar: Container = { name: "side", image: "s:1", restartPolicy: "Always" };
const second_ = { name: "side2", image: "s:1", restartPolicy: "Always" };

// The way up.
check("begins with volumes, sandbox and image at once", {
  memory: (m) => {
    m.volumes = undefined;
    m.images.clear();
  },
}, ["prepareVolumes", "createSandbox 0", "pull app"]);
check("starts a created sandbox while it creates the container in it", {
  containers: [sandboxOf(makePod(), { state: "created" })],
}, ["startSandbox", "create app 0 delay=0"]);
check("starts a created container once the network is there", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "created" })],
}, ["start app-0"]);
check("keeps a created container waiting for the network", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "created" })],
  memory: (m) => m.address = undefined,
}, ["attachNetwork"]);
check("waits for the address when the environment needs it", {
  pod: makePod({
    containers: [{
      name: "app",
      image: "app:1",
      env: [{ name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } }],
    }],
  }),
  containers: [sandboxOf(makePod(), { state: "created" })],
}, ["startSandbox"]);
check("creates no sandbox while the node has no pod network", { networkWait: "no podCIDR" }, []);
check("starts no sandbox before that, and adopts none", {
  containers: [sandboxOf(makePod(), { state: "running" })],
  networkWait: "not set up",
  memory: (m) => m.address = undefined,
}, ["create app 0 delay=0"]);
check("creates a sandbox in the host's network without one", {
  pod: makePod({ hostNetwork: true }),
  networkWait: "no podCIDR",
}, ["createSandbox 0"]);
check("has nothing to do for a pod that runs", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
}, []);
check("does not ask twice for what is under way", {
  containers: [sandboxOf(makePod(), { state: "created" })],
  memory: (m) => m.busy.add("sandbox").add("container app"),
}, []);
check("holds what failed unexpectedly until its time", {
  containers: [sandboxOf(makePod())],
  memory: (m) =>
    m.held.set("container app", { reason: "", message: "", failures: 1, failedAt: now, retryAt: now + 3 * second }),
}, ["wakeAt +3"]);

// Restarts.
for (
  const [restartPolicy, exitCode, expected] of [
    ["Always", 0, ["create app 1 delay=10"]],
    ["Always", 1, ["create app 1 delay=10"]],
    ["OnFailure", 0, ["releaseSandbox", "releaseVolumes"]],
    ["OnFailure", 1, ["create app 1 delay=10"]],
    ["Never", 0, ["releaseSandbox", "releaseVolumes"]],
    ["Never", 1, ["releaseSandbox", "releaseVolumes"]],
  ] as const
) {
  const pod = makePod({ restartPolicy });
  check(`with policy ${restartPolicy} after exit code ${exitCode}`, {
    pod,
    containers: [sandboxOf(pod), seen(pod, "app", { state: "exited", exitCode })],
  }, [...expected]);
}
check("waits out the back-off that the last attempt carries, and doubles it", {
  containers: [
    sandboxOf(makePod()),
    seen(makePod(), "app", { state: "exited", attempt: 3, restartDelayMs: 40 * second, exitCode: 1 }),
  ],
}, ["backOff app", "wakeAt +39"]);
check("doubles the back-off when its time has come", {
  containers: [
    sandboxOf(makePod()),
    seen(makePod(), "app", { state: "exited", attempt: 3, restartDelayMs: 40 * second, finishedMs: now - 41 * second }),
  ],
}, ["create app 4 delay=80"]);
check("never waits longer than five minutes", {
  containers: [
    sandboxOf(makePod()),
    seen(makePod(), "app", {
      state: "exited",
      attempt: 9,
      restartDelayMs: 300 * second,
      finishedMs: now - 301 * second,
    }),
  ],
}, ["create app 10 delay=300"]);
check("forgets the back-off after ten minutes of running", {
  containers: [
    sandboxOf(makePod()),
    seen(makePod(), "app", {
      state: "exited",
      attempt: 9,
      restartDelayMs: 300 * second,
      startedMs: now - 601 * second,
    }),
  ],
}, ["create app 10 delay=10"]);
check("treats a container that cannot be started as one that ended", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "created" })],
  memory: (m) => {
    m.startFailures.set("app-0", { message: "no such file", at: now, exitCode: 128 });
    m.messages.set("app-0", "");
  },
}, ["create app 1 delay=10"]);
check("reads a container's last words before anything else", {
  pod: makePod({ restartPolicy: "Never" }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "exited" })],
  memory: (m) => m.messages.clear(),
}, ["collect app-0"]);
check("counts on from what the API was told when the containers are gone", {
  pod: makePod({}, {
    status: {
      containerStatuses: [{ name: "app", image: "", imageID: "", ready: true, restartCount: 4, containerID: "x://1" }],
    },
  }),
  containers: [sandboxOf(makePod())],
}, ["create app 5 delay=0"]);
check("restarts what a power cut ended without a back-off", {
  containers: [
    sandboxOf(makePod(), { state: "exited", lost: true }),
    seen(makePod(), "app", { state: "exited", lost: true, exitCode: 255, restartDelayMs: 20 * second }),
  ],
}, ["createSandbox 1"]);
check("restarts a container of a pod that is never restarted when its own rule says so", {
  pod: makePod({
    restartPolicy: "Never",
    containers: [{
      name: "app",
      image: "app:1",
      restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [42] } }],
    }],
  }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "exited", exitCode: 42 })],
}, ["create app 1 delay=10"]);
check("replaces a container whose image changed", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { hash: "old" })],
}, ["stop app-0 grace=30"]);
check("starts the replacement whatever the restart policy says", {
  pod: makePod({ restartPolicy: "Never" }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "exited", hash: "old" })],
  memory: (m) => m.stops.set("app-0", { since: now, graceMs: 1, hook: "none", replace: true }),
}, ["create app 1 delay=0"]);

// Images.
const pullFailed = (reason: string, failedAt: number) => (m: Memory) =>
  m.images.set("app", {
    ref: "app:1",
    ok: false,
    reason,
    message: "no",
    failures: 1,
    failedAt,
    retryAt: now + 10 * second,
  });
check("asks again two seconds after a failed pull, to show the back-off", {
  containers: [sandboxOf(makePod())],
  memory: pullFailed("ErrImagePull", now - second),
}, ["wakeAt +1"]);
check("waits for the next attempt while an image backs off", {
  containers: [sandboxOf(makePod())],
  memory: pullFailed("ImagePullBackOff", now - 5 * second),
}, ["wakeAt +10"]);

// Init containers and sidecars.
const withInit = makePod({ initContainers: init, containers: two });
check("starts the first init container only", { pod: withInit, containers: [sandboxOf(withInit)] }, [
  "create a 0 delay=0",
]);
check("waits for a running init container", {
  pod: withInit,
  containers: [sandboxOf(withInit), seen(withInit, "a")],
}, []);
check("goes on to the next init container after success", {
  pod: withInit,
  containers: [sandboxOf(withInit), seen(withInit, "a", { state: "exited" })],
}, ["create b 0 delay=0"]);
check("restarts an init container that failed", {
  pod: withInit,
  containers: [sandboxOf(withInit), seen(withInit, "a", { state: "exited", exitCode: 1 })],
}, ["create a 1 delay=10"]);
check("ends a pod whose init container failed for good", {
  pod: { ...withInit, spec: { ...withInit.spec, restartPolicy: "Never" } },
  containers: [sandboxOf(withInit), seen(withInit, "a", { state: "exited", exitCode: 1 })],
}, ["releaseSandbox", "releaseVolumes"]);
check("starts all containers after the last init container", {
  pod: withInit,
  containers: [sandboxOf(withInit), seen(withInit, "a", { state: "exited" }), seen(withInit, "b", { state: "exited" })],
}, ["create app 0 delay=0", "create log 0 delay=0"]);
check("does not run init containers again that someone removed", {
  pod: withInit,
  containers: [sandboxOf(withInit), seen(withInit, "app"), seen(withInit, "log")],
}, []);
check("runs init containers again in a new sandbox", {
  pod: withInit,
  containers: [
    sandboxOf(withInit, { state: "exited" }),
    sandboxOf(withInit, { attempt: 1 }),
    seen(withInit, "a", { state: "exited" }),
    seen(withInit, "app", { state: "exited", exitCode: 137 }),
  ],
}, ["create a 1 delay=10"]);
const withSidecar = makePod({ initContainers: [sidecar, init[0]!] });
check("holds the next init container until a sidecar has started", {
  pod: withSidecar,
  containers: [sandboxOf(withSidecar), seen(withSidecar, "side")],
  probes: { "side-0": { started: false, ready: false } },
}, []);
check("goes on when a sidecar has started, ready or not", {
  pod: withSidecar,
  containers: [sandboxOf(withSidecar), seen(withSidecar, "side")],
  probes: { "side-0": { started: true, ready: false } },
}, ["create a 0 delay=0"]);
check("restarts a sidecar beside a running container", {
  pod: withSidecar,
  containers: [
    sandboxOf(withSidecar),
    seen(withSidecar, "side", { state: "exited" }),
    seen(withSidecar, "a", { state: "exited" }),
    seen(withSidecar, "app"),
  ],
}, ["create side 1 delay=10"]);
check("stops the sidecar of a pod whose containers are done", {
  pod: { ...withSidecar, spec: { ...withSidecar.spec, restartPolicy: "Never" } },
  containers: [sandboxOf(withSidecar), seen(withSidecar, "side"), seen(withSidecar, "app", { state: "exited" })],
}, ["stop side-0 grace=30"]);
check("restarts a sidecar even in a pod that is never restarted", {
  pod: { ...withSidecar, spec: { ...withSidecar.spec, restartPolicy: "Never" } },
  containers: [
    sandboxOf(withSidecar),
    seen(withSidecar, "side", { state: "exited", exitCode: 1 }),
    seen(withSidecar, "app"),
  ],
}, ["create side 1 delay=10"]);

// The sandbox dies.
check("stops what lives in a dead sandbox", {
  containers: [sandboxOf(makePod(), { state: "exited" }), seen(makePod(), "app")],
}, ["stop app-0 grace=30"]);
check("makes a new sandbox when nothing lives in the old one", {
  containers: [sandboxOf(makePod(), { state: "exited" }), seen(makePod(), "app", { state: "exited", exitCode: 137 })],
}, ["createSandbox 1"]);
check("makes no new sandbox for a pod that is not restarted", {
  pod: makePod({ restartPolicy: "Never" }),
  containers: [sandboxOf(makePod(), { state: "exited" }), seen(makePod(), "app", { state: "exited", exitCode: 137 })],
}, ["releaseVolumes"]);
check("removes a container that was created for a sandbox that is gone", {
  containers: [
    sandboxOf(makePod(), { state: "exited" }),
    sandboxOf(makePod(), { attempt: 1 }),
    seen(makePod(), "app", { state: "created" }),
  ],
}, ["remove app-0"]);
check("keeps the last two attempts and removes older ones", {
  containers: [
    sandboxOf(makePod()),
    seen(makePod(), "app", { attempt: 3 }),
    seen(makePod(), "app", { attempt: 2, state: "exited" }),
    seen(makePod(), "app", { attempt: 1, state: "exited" }),
  ],
}, ["remove app-1"]);
check("removes an old sandbox that no container refers to", {
  containers: [
    sandboxOf(makePod(), { state: "exited" }),
    sandboxOf(makePod(), { attempt: 1 }),
    seen(makePod(), "app", { attempt: 1, sandboxAttempt: 1 }),
  ],
}, [`remove ${sandboxName}-0`]);

// Probes and hooks.
check("stops a container whose liveness probe failed", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
  probes: { "app-0": { started: true, ready: true, failed: { probe: "liveness" } } },
}, ["stop app-0 grace=30"]);
check("gives a container the grace of the probe that failed", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
  probes: { "app-0": { started: false, ready: false, failed: { probe: "startup", graceSeconds: 3 } } },
}, ["stop app-0 grace=3"]);
check("stops a container whose postStart hook failed", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
  memory: (m) => m.postStart.set("app-0", "failed"),
}, ["stop app-0 grace=30"]);

// The way down.
const going = makePod({}, { deleting: 30 });
const running = [sandboxOf(going), seen(going, "app")];
check("stops a deleted pod's containers", { pod: going, containers: running }, ["stop app-0 grace=30"]);
const leaving = (seconds: number) => (m: Memory) => void (m.leavingSince = now - seconds * second);
const undrained = { pod: going, containers: running, drained: false };
check("lets a deleted pod run while it may get connections", { ...undrained, memory: leaving(3) }, ["wakeAt +7"]);
check("does not wait for ever", { ...undrained, memory: leaving(10) }, ["stop app-0 grace=30"]);
check("does not let a pod run that has failed", {
  ...undrained,
  memory: (m) => {
    leaving(3)(m);
    m.failed = { reason: "Evicted", message: "" };
  },
}, ["stop app-0 grace=30"]);
check("does not wait without grace", {
  ...undrained,
  pod: makePod({}, { deleting: 0 }),
  memory: leaving(3),
}, ["stop app-0 grace=0"]);
check("does not let an orphan run", { ...undrained, wanted: false, memory: leaving(3) }, ["stop app-0 grace=30"]);
check("kills at once without grace", { pod: makePod({}, { deleting: 0 }), containers: running }, [
  "stop app-0 grace=0",
]);
check("waits for the preStop hook", {
  pod: going,
  containers: running,
  memory: (m) =>
    m.stops.set("app-0", { since: now - 10 * second, graceMs: 30 * second, hook: "running", replace: false }),
}, ["wakeAt +20"]);
check("signals after the preStop hook", {
  pod: going,
  containers: running,
  memory: (m) => m.stops.set("app-0", { since: now - 10 * second, graceMs: 30 * second, hook: "done", replace: false }),
}, ["TERM app-0"]);
check("signals when a preStop hook takes all of the grace", {
  pod: going,
  containers: running,
  memory: (m) =>
    m.stops.set("app-0", { since: now - 30 * second, graceMs: 30 * second, hook: "running", replace: false }),
}, ["TERM app-0"]);
const signalled = (sinceSeconds: number, part: object = {}) => (m: Memory) =>
  m.stops.set("app-0", {
    since: now - sinceSeconds * second,
    graceMs: 30 * second,
    hook: "none",
    replace: false,
    signalledAt: now - sinceSeconds * second,
    ...part,
  });
check("leaves two seconds after a hook that took all of the grace", {
  pod: going,
  containers: running,
  memory: signalled(30, { hook: "done", signalledAt: now - 500 }),
}, ["wakeAt +1.5"]);
check("waits out the grace", { pod: going, containers: running, memory: signalled(10) }, ["wakeAt +20"]);
check("kills after the grace", { pod: going, containers: running, memory: signalled(30) }, ["KILL app-0"]);
check("kills again what survives", {
  pod: going,
  containers: running,
  memory: signalled(50, { killedAt: now - 10 * second }),
}, ["KILL app-0"]);
check("kills earlier when a second delete shortens the grace", {
  pod: makePod({}, { deleting: 5 }),
  containers: running,
  memory: signalled(6),
}, ["KILL app-0"]);
const goingSidecars = makePod({ initContainers: [sidecar, second_] }, { deleting: 30 });
check("stops sidecars only after the containers", {
  pod: goingSidecars,
  containers: [sandboxOf(going), seen(goingSidecars, "side"), seen(goingSidecars, "side2"), seen(goingSidecars, "app")],
}, ["stop app-0 grace=30"]);
check("stops the last sidecar first, with what is left of the grace", {
  pod: goingSidecars,
  containers: [
    sandboxOf(going),
    seen(goingSidecars, "side"),
    seen(goingSidecars, "side2"),
    seen(goingSidecars, "app", { state: "exited" }),
  ],
  memory: (m) => m.stoppingSince = now - 12 * second,
}, ["stop side2-0 grace=18"]);
check("leaves a sidecar at least two seconds", {
  pod: goingSidecars,
  containers: [sandboxOf(going), seen(goingSidecars, "side"), seen(goingSidecars, "app", { state: "exited" })],
  memory: (m) => m.stoppingSince = now - 29.5 * second,
}, ["stop side-0 grace=2"]);
const dead = [sandboxOf(going), seen(going, "app", { state: "exited", exitCode: 143 })];
check("takes sandbox and volumes away when the containers are stopped", { pod: going, containers: dead }, [
  "releaseSandbox",
  "releaseVolumes",
]);
const released = (m: Memory) => m.volumesReleased = true;
const deadSandbox = sandboxOf(going, { state: "exited" });
check("removes the containers before the sandbox", {
  pod: going,
  containers: [deadSandbox, seen(going, "app", { state: "exited" })],
  memory: released,
}, ["remove app-0"]);
check("removes the sandbox after the containers", { pod: going, containers: [deadSandbox], memory: released }, [
  `remove ${sandboxName}-0`,
]);
check("deletes the pod's object last", { pod: going, memory: released }, ["deletePod"]);
check("waits for what is being started before it takes a pod down", {
  pod: going,
  memory: (m) => m.busy.add("container app"),
}, []);
check("forgets a pod that the API does not know", { wanted: false, memory: released }, ["forget"]);
check("stops an orphan", { wanted: false, containers: running }, ["stop app-0 grace=30"]);
check("keeps the containers of a pod that ended, for its logs", {
  pod: makePod({ restartPolicy: "Never" }),
  containers: [deadSandbox, seen(going, "app", { state: "exited" })],
  memory: released,
}, []);
check("does not restart a pod that the API was told has failed", {
  pod: makePod({}, { status: { phase: "Failed" } }),
  containers: [deadSandbox],
  memory: released,
}, []);
check("fails a pod whose deadline is over", {
  pod: makePod({ activeDeadlineSeconds: 60 }, { status: { startTime: "2026-01-02T03:03:05Z" } }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
}, ["fail DeadlineExceeded"]);
check("wakes at the deadline", {
  pod: makePod({ activeDeadlineSeconds: 70 }, { status: { startTime: "2026-01-02T03:03:05Z" } }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
}, ["wakeAt +10"]);
check("starts a debugging container once", {
  pod: makePod({ ephemeralContainers: [{ name: "dbg", image: "app:1" }] }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
  memory: (m) => m.images.set("dbg", { ref: "app:1", ok: true, image }),
}, ["create dbg 0 delay=0"]);
check("does not start a debugging container again", {
  pod: makePod({ ephemeralContainers: [{ name: "dbg", image: "app:1" }] }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app"), seen(makePod(), "dbg", { state: "exited", hash: "" })],
}, []);

Deno.test("planPod() reports no status while last words are read or containers are removed", () => {
  const exited = seen(going, "app", { state: "exited" });
  const report = (scene: Scene) => planPod(viewOf(scene), now).report;
  assert.equal(report({ pod: going, containers: [deadSandbox, exited], memory: (m) => m.messages.clear() }), false);
  assert.equal(report({ pod: going, containers: [deadSandbox, exited], memory: released }), true);
  assert.equal(report({ pod: going, containers: [deadSandbox], memory: released }), false);
  const removing = (m: Memory) => (m.volumesReleased = true, void m.busy.add("container app 0"));
  assert.equal(report({ pod: going, containers: [deadSandbox, exited], memory: removing }), false);
});

Deno.test("operationKey() tells apart what may run at the same time", () => {
  const view = viewOf({ memory: (m) => (m.volumes = undefined, m.images.clear()) });
  const keys = planPod(view, now).actions.map(operationKey);
  assert.equal(new Set(keys).size, keys.length);
});

// Statuses.
const node = { runtime: "podman", hostIPs: ["192.168.0.9"], imageName: (id: string) => `registry/app@${id}` };
const statusOf = (scene: Scene, at = now) => podStatus(viewOf(scene), at, node);

function checkStatus(
  name: string,
  scene: Scene,
  expected: (status: PodStatus) => Record<string, [unknown, unknown]>,
): void {
  Deno.test(`podStatus() ${name}`, () => {
    const status = statusOf(scene);
    for (const [what, [actual, wanted]] of Object.entries(expected(status))) assert.deepEqual(actual, wanted, what);
  });
}
const condition = (status: PodStatus, type: string) => {
  const found = status.conditions!.find((c) => c.type === type)!;
  return found.reason === undefined ? found.status : `${found.status} ${found.reason}`;
};

checkStatus("of a pod that begins", {}, (s) => ({
  phase: [s.phase, "Pending"],
  state: [s.containerStatuses![0]!.state, { waiting: { reason: "ContainerCreating" } }],
  ready: [condition(s, "Ready"), "False ContainersNotReady"],
  initialized: [condition(s, "Initialized"), "True"],
  sandbox: [condition(s, "PodReadyToStartContainers"), "False"],
  hostIP: [s.hostIP, "192.168.0.9"],
  qos: [s.qosClass, "BestEffort"],
}));
checkStatus("of a pod that runs", { containers: [sandboxOf(makePod()), seen(makePod(), "app")] }, (s) => ({
  phase: [s.phase, "Running"],
  ip: [s.podIPs, [{ ip: "10.244.0.5" }]],
  ready: [condition(s, "Ready"), "True"],
  containersReady: [condition(s, "ContainersReady"), "True"],
  sandbox: [condition(s, "PodReadyToStartContainers"), "True"],
  container: [s.containerStatuses![0], {
    name: "app",
    state: { running: { startedAt: "2026-01-02T03:03:05Z" } },
    lastState: {},
    resources: {},
    ready: true,
    restartCount: 0,
    image: "app:1",
    imageID: "registry/app@sha256:1",
    containerID: "podman://app-0",
    started: true,
  }],
}));
checkStatus("of a container in back-off", {
  containers: [
    sandboxOf(makePod()),
    seen(makePod(), "app", { state: "exited", attempt: 3, restartDelayMs: 40 * second, exitCode: 7 }),
  ],
}, (s) => ({
  phase: [s.phase, "Running"],
  waiting: [s.containerStatuses![0]!.state, {
    waiting: { reason: "CrashLoopBackOff", message: "back-off 40s restarting failed container=app pod=p_ns(u1)" },
  }],
  last: [s.containerStatuses![0]!.lastState!.terminated!.exitCode, 7],
  count: [s.containerStatuses![0]!.restartCount, 3],
}));
for (
  const [what, part, reason] of [
    ["success", { exitCode: 0 }, "Completed"],
    ["failure", { exitCode: 3 }, "Error"],
    ["a lack of memory", { exitCode: 137, oomKilled: true }, "OOMKilled"],
  ] as const
) {
  checkStatus(`of a pod that ended with ${what}`, {
    pod: makePod({ restartPolicy: "Never" }),
    containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "exited", ...part })],
    memory: (m) => m.messages.set("app-0", "last words"),
  }, (s) => ({
    phase: [s.phase, part.exitCode === 0 ? "Succeeded" : "Failed"],
    reason: [s.containerStatuses![0]!.state!.terminated!.reason, reason],
    message: [s.containerStatuses![0]!.state!.terminated!.message, "last words"],
    ready: [condition(s, "Ready"), part.exitCode === 0 ? "False PodCompleted" : "False PodFailed"],
  }));
}
checkStatus("stays Running while a sidecar runs on", {
  pod: { ...withSidecar, spec: { ...withSidecar.spec, restartPolicy: "Never" } },
  containers: [sandboxOf(withSidecar), seen(withSidecar, "side"), seen(withSidecar, "app", { state: "exited" })],
}, (s) => ({ phase: [s.phase, "Running"] }));
checkStatus("of a pod that initializes", {
  pod: withInit,
  containers: [sandboxOf(withInit), seen(withInit, "a")],
}, (s) => ({
  phase: [s.phase, "Pending"],
  initialized: [condition(s, "Initialized"), "False ContainersNotInitialized"],
  next: [s.initContainerStatuses![1]!.state!.waiting!.reason, "PodInitializing"],
  app: [s.containerStatuses![0]!.state!.waiting!.reason, "PodInitializing"],
}));
checkStatus("of a container whose image can't be pulled", {
  containers: [sandboxOf(makePod())],
  memory: pullFailed("ErrImagePull", now),
}, (s) => ({ waiting: [s.containerStatuses![0]!.state, { waiting: { reason: "ErrImagePull", message: "no" } }] }));
checkStatus("of a container that can't be started", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app", { state: "created", restartDelayMs: 0 })],
  memory: (m) => m.startFailures.set("app-0", { message: "no such file", at: now, exitCode: 127 }),
}, (s) => ({
  waiting: [s.containerStatuses![0]!.state, { waiting: { reason: "RunContainerError", message: "no such file" } }],
  last: [s.containerStatuses![0]!.lastState!.terminated!.reason, "ContainerCannotRun"],
}));
checkStatus("waits for readiness gates", {
  pod: makePod({ readinessGates: [{ conditionType: "example.com/lb" }] }),
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
}, (s) => ({
  ready: [condition(s, "Ready"), "False ReadinessGatesNotReady"],
  containersReady: [condition(s, "ContainersReady"), "True"],
}));
checkStatus("of an unready container", {
  containers: [sandboxOf(makePod()), seen(makePod(), "app")],
  probes: { "app-0": { started: true, ready: false } },
}, (s) => ({ ready: [s.containerStatuses![0]!.ready, false], started: [s.containerStatuses![0]!.started, true] }));
checkStatus("keeps a phase that was reported as the last", {
  pod: makePod({}, { status: { phase: "Failed", reason: "Evicted", message: "low on disk" } }),
}, (s) => ({ phase: [s.phase, "Failed"], reason: [s.reason, "Evicted"], message: [s.message, "low on disk"] }));
checkStatus("says why a pod has failed as a whole", {
  memory: (m) => m.failed = { reason: "OutOfcpu", message: "Pod was rejected: …" },
}, (s) => ({ phase: [s.phase, "Failed"], reason: [s.reason, "OutOfcpu"] }));

Deno.test("podStatus() keeps the times of conditions that did not change", () => {
  const scene = { containers: [sandboxOf(makePod()), seen(makePod(), "app")] };
  const first = statusOf(scene);
  const later = statusOf({ ...scene, pod: makePod({}, { status: first }) }, now + 60 * second);
  assert.deepEqual(later, first);
});
