import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import type { Lease } from "../../lib/types/coordination_v1.ts";
import type { Node, NodeStatus } from "../../lib/types/core_v1.ts";
import { Lease as LeaseKind, Node as NodeKind } from "../../lib/types/kinds.ts";
import { createFakeClient } from "../../tests/harness/fake_client.ts";
import { startAgent } from "../../tests/harness/agent.ts";
import { type Health, nodeConditions } from "./conditions.ts";
import { type HostUsage, parseMeminfo } from "./facts.ts";
import { runLease } from "./lease.ts";
import { metricsText, resourceMetrics } from "./metrics.ts";
import { allocatableOf, newNode, nodeStatus } from "./node_object.ts";
import { hostCpuNanos, type PodUse } from "./stats.ts";
import { nodeStatusPatch } from "./status_change.ts";
import { placeAnnotation, placeOf } from "./peers.ts";
import { statsSummary } from "./summary.ts";

const now = Date.UTC(2026, 0, 2);
const GiB = 2 ** 30;
const facts = {
  machineId: "m",
  systemUuid: "s",
  bootId: "b",
  kernelVersion: "6.1",
  osImage: "Debian",
  architecture: "amd64",
  cpus: 4,
  memoryBytes: 8 * GiB,
  diskBytes: 100 * GiB,
};
const settings = {
  name: "n1",
  ip: "192.168.0.9",
  port: 10250,
  maxPods: 110,
  labels: { a: "b" },
  engine: { name: "podman", version: "4.3.1" },
};
const disk = { name: "nodefs" as const, totalBytes: 100, availableBytes: 50, totalInodes: 100, freeInodes: 50 };
const usage: HostUsage = { memoryAvailableBytes: GiB, disks: [disk], processes: 100, processesMax: 32768 };
const health: Health = { usage, networkWait: undefined, engineTrouble: undefined };

for (
  const [what, more, type, reason] of [
    ["a healthy host", {}, "Ready", "True KubeletReady"],
    [
      "little memory",
      { usage: { ...usage, memoryAvailableBytes: 2 ** 20 } },
      "MemoryPressure",
      "True KubeletHasInsufficientMemory",
    ],
    [
      "a full disk",
      { usage: { ...usage, disks: [{ ...disk, availableBytes: 9 }] } },
      "DiskPressure",
      "True KubeletHasDiskPressure",
    ],
    [
      "no inodes left",
      { usage: { ...usage, disks: [{ ...disk, freeInodes: 4 }] } },
      "DiskPressure",
      "True KubeletHasDiskPressure",
    ],
    [
      "a file system without inodes",
      { usage: { ...usage, disks: [{ ...disk, totalInodes: 0, freeInodes: 0 }] } },
      "DiskPressure",
      "False KubeletHasNoDiskPressure",
    ],
    [
      "a crowd of processes",
      { usage: { ...usage, processes: 32000 } },
      "PIDPressure",
      "True KubeletHasInsufficientPID",
    ],
    ["no pod network", { networkWait: "no podCIDR" }, "Ready", "False KubeletNotReady"],
    ["a dead engine", { engineTrouble: "gone" }, "Ready", "False KubeletNotReady"],
  ] as [string, Partial<Health>, string, string][]
) {
  Deno.test(`nodeConditions() with ${what}: ${type} is ${reason}`, () => {
    const found = nodeConditions([], { ...health, ...more }, now).find((c) => c.type === type)!;
    assert.equal(`${found.status} ${found.reason}`, reason);
  });
}

Deno.test("nodeConditions() keeps the time of a transition and moves that of the heartbeat", () => {
  const first = nodeConditions([], health, now);
  const later = nodeConditions(first, health, now + 60_000);
  assert.equal(later[0]!.lastTransitionTime, "2026-01-02T00:00:00Z");
  assert.equal(later[0]!.lastHeartbeatTime, "2026-01-02T00:01:00Z");
});

const statusAt = (old: NodeStatus, at: number, more: Partial<Health> = {}) =>
  nodeStatus(old, { settings, facts, health: { ...health, ...more }, images: [], now: at });

Deno.test("nodeStatusPatch() is silent until something changes or five minutes have passed", () => {
  const told = statusAt({}, now);
  assert.deepEqual(Object.keys(nodeStatusPatch({}, told, now)!).sort(), [
    "addresses",
    "allocatable",
    "capacity",
    "conditions",
    "daemonEndpoints",
    "nodeInfo",
  ]);
  assert.equal(nodeStatusPatch(told, statusAt(told, now + 60_000), now + 60_000), undefined);
  assert.deepEqual(Object.keys(nodeStatusPatch(told, statusAt(told, now + 300_000), now + 300_000)!), ["conditions"]);
  const trouble = statusAt(told, now + 1_000, { engineTrouble: "gone" });
  assert.deepEqual(Object.keys(nodeStatusPatch(told, trouble, now + 1_000)!), ["conditions"]);
});

Deno.test("newNode() and nodeStatus() say what the host is", () => {
  assert.deepEqual(newNode(settings, facts).metadata.labels, {
    a: "b",
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": "n1",
    "kubernetes.io/os": "linux",
  });
  const images = [
    { id: "1", tags: ["small:1"], digests: [], sizeBytes: 1, createdMs: 0 },
    { id: "2", tags: ["big:1"], digests: ["big@sha256:1"], sizeBytes: 9, createdMs: 0 },
    { id: "3", tags: [], digests: [], sizeBytes: 5, createdMs: 0 },
  ];
  const status = nodeStatus({}, { settings, facts, health, images, now });
  assert.deepEqual(status.images, [{ names: ["big@sha256:1", "big:1"], sizeBytes: 9 }, {
    names: ["small:1"],
    sizeBytes: 1,
  }]);
  assert.equal(status.nodeInfo!.containerRuntimeVersion, "podman://4.3.1");
  assert.match(status.nodeInfo!.kubeletVersion, /^v1\.36\.\d+\+sauropod\./);
  assert.deepEqual(status.capacity, { cpu: "4", memory: "8388608Ki", "ephemeral-storage": "104857600Ki", pods: "110" });
  assert.equal(allocatableOf(facts, 110).memory, "8286208Ki");
});

Deno.test("runLease() renews every ten seconds, and makes the lease anew when it is gone", async () => {
  const clock = new FakeClock();
  const client = createFakeClient({ clock });
  const node = await client.create(NodeKind, { metadata: { name: "n1" }, spec: {} });
  const stop = new AbortController();
  const running = runLease({ client, clock, name: "n1", node: () => node, signal: stop.signal });
  const lease = () => client.store.all(LeaseKind).get("kube-node-lease/n1") as Lease | undefined;
  await clock.advance(1);
  assert.equal(lease()!.spec.leaseDurationSeconds, 40);
  assert.deepEqual(lease()!.metadata.ownerReferences, [{
    apiVersion: "v1",
    kind: "Node",
    name: "n1",
    uid: node.metadata.uid,
  }]);
  const first = lease()!.spec.renewTime;
  await clock.advance(10_001);
  assert.notEqual(lease()!.spec.renewTime, first);
  await client.delete(LeaseKind, { namespace: "kube-node-lease", name: "n1" });
  await clock.advance(11_000);
  assert.notEqual(lease(), undefined);
  stop.abort();
  await clock.advance(1);
  await running;
});

Deno.test("createNode() registers again when its node is deleted, and tells the network its peers", async () => {
  const clock = new FakeClock();
  await using scene = await startAgent({ clock });
  const node = () => scene.api.store.all(NodeKind).get("n1") as Node | undefined;
  await scene.until(
    "Ready",
    () => node()?.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
  );
  await scene.api.create(NodeKind, {
    metadata: { name: "n2" },
    spec: { podCIDR: "10.244.1.0/24" },
    status: { addresses: [{ type: "InternalIP", address: "192.168.0.8" }] },
  });
  await scene.until("a peer", () => scene.network.peers.length === 1);
  const { uid } = node()!.metadata;
  await scene.api.delete(NodeKind, { name: "n1" });
  await scene.until("another node", () => node() !== undefined && node()!.metadata.uid !== uid);
});

Deno.test("createNode() stays Ready over a restart until the engine has had time to answer", async () => {
  const clock = new FakeClock();
  await using scene = await startAgent({ clock });
  const node = () => scene.api.store.all(NodeKind).get("n1") as Node;
  const ready = () => node().status.conditions?.find(({ type }) => type === "Ready")?.status;
  await scene.until("Ready", () => ready() === "True");
  await scene.stop();
  scene.engine.events = () => {
    throw new Error("the engine is busy");
  };
  await scene.start();
  await clock.advance(14_000);
  assert.equal(ready(), "True");
  await scene.until("not Ready", () => {
    void clock.advance(1_000);
    return ready() === "False";
  });
});

Deno.test("createNode() tells where it is in the network, and its new address when that has changed", async () => {
  const clock = new FakeClock();
  let ip = "192.168.0.9";
  let changed = () => {};
  const address = { current: () => ip, onChange: (call: () => void) => void (changed = call), run: async () => {} };
  await using scene = await startAgent({ clock, address });
  const node = () => scene.api.store.all(NodeKind).get("n1") as Node | undefined;
  const told = () => node()?.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  await scene.until("an address", () => told() === "192.168.0.9");
  const place = await scene.until("a place", () => node()?.metadata.annotations?.[placeAnnotation]);
  assert.deepEqual(placeOf(place), scene.network.place());
  ip = "192.168.0.77";
  changed();
  await scene.until("the new address", () => told() === "192.168.0.77");
});

const host = { timeMs: now, usage, cpuNanos: 5e9, memoryBytes: 8 * GiB };
const use = {
  pod: { metadata: { name: "p", namespace: "ns", uid: "u" }, status: {} },
  containers: [{
    name: "app",
    container: { id: "c1", image: "i", startedMs: now },
    stats: {
      timeMs: now,
      cpuNanos: 2e9,
      memoryUsageBytes: 300,
      memoryWorkingSetBytes: 200,
      memoryRssBytes: 100,
      pids: 3,
    },
  }],
} as unknown as PodUse;

Deno.test("statsSummary() adds up a pod's containers", () => {
  // deno-lint-ignore no-explicit-any
  const summary = statsSummary("n1", host, [use], now) as any;
  assert.equal(summary.node.nodeName, "n1");
  assert.equal(summary.pods[0].memory.workingSetBytes, 200);
  assert.equal(summary.pods[0].containers[0].cpu.usageCoreNanoSeconds, 2e9);
  assert.equal(summary.node.memory.workingSetBytes, 7 * GiB);
});

Deno.test("metricsText() writes what Prometheus reads", () => {
  const text = metricsText(resourceMetrics(host, [use]));
  assert.ok(text.includes(`container_cpu_usage_seconds_total{container="app",namespace="ns",pod="p"} 2 ${now}\n`));
  assert.ok(text.includes(`pod_memory_working_set_bytes{namespace="ns",pod="p"} 200 ${now}\n`));
  assert.ok(text.includes(`node_cpu_usage_seconds_total 5 ${now}\n`));
});

Deno.test("parseMeminfo() and hostCpuNanos() read /proc", () => {
  assert.deepEqual(parseMeminfo("MemTotal:  1024 kB\nHugePages_Total:  3\n"), {
    MemTotal: 1048576,
    HugePages_Total: 3,
  });
  assert.equal(hostCpuNanos("cpu  100 0 50 9999 10 1 2 3 0 0\ncpu0 1 2 3\n"), 1_560_000_000);
});
