import assert from "assert";
import type { Node, Pod } from "../../../lib/types/core_v1.ts";
import { planNode } from "./plan.ts";
import { wantedTaints } from "./taints.ts";
import { evictionInterval, zonesOf, zoneState } from "./zones.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace(".000", "");

const node = (name: string, ready?: "True" | "False" | "Unknown", more: Loose = {}): Node => ({
  metadata: { name, labels: { "topology.kubernetes.io/zone": more.zone ?? "z" }, creationTimestamp: at(-1000) },
  spec: { taints: more.taints, unschedulable: more.unschedulable },
  status: {
    conditions: ready === undefined
      ? []
      : [{ type: "Ready", status: ready, lastTransitionTime: at(-100) }, ...more.conditions ?? []],
  },
} as Loose);

const others = [node("b", "True"), node("c", "True")];
const noExecute = (key: string) => ({ key, effect: "NoExecute" });

function plan(of: Node, more: Loose = {}) {
  const all = [of, ...(more.others ?? others)];
  const zones = zonesOf(all, { own: more.own });
  const suspects = more.suspects ?? [];
  const isDown = ({ metadata }: Node) => metadata.name === "a" || suspects.includes(metadata.name);
  const feared = suspects.length === 0 ? undefined : zonesOf(all, { own: more.own, isDown });
  const heartbeat = { sign: "", seenAt: now - (more.silence ?? 0) * 1000 };
  return planNode({
    node: of,
    heartbeat,
    graceMs: more.graceMs ?? 50_000,
    pods: more.pods ?? [],
    zones,
    feared,
    lastEviction: more.lastEviction,
  }, now);
}

const taintsOf = (actions: readonly Loose[]) =>
  actions.find((action) => action.do === "setTaints")?.taints.map(({ key, effect }: Loose) =>
    `${key.replace("node.kubernetes.io/", "")}:${effect}`
  );

Deno.test("planNode() lets a Node be silent for 50 s, and a new one for 60 s", () => {
  assert.deepEqual(plan(node("a", "True"), { silence: 49 }), [{
    do: "wakeAt",
    at: now + 1000,
    why: "without a heartbeat its state becomes unknown",
  }]);
  const [set, taint] = plan(node("a", "True"), { silence: 50 }) as Loose[];
  assert.deepEqual(set.conditions.map(({ type, status, reason }: Loose) => `${type} ${status} ${reason}`), [
    "Ready Unknown NodeStatusUnknown",
    "MemoryPressure Unknown NodeStatusNeverUpdated",
    "DiskPressure Unknown NodeStatusNeverUpdated",
    "PIDPressure Unknown NodeStatusNeverUpdated",
  ]);
  assert.deepEqual(taintsOf([taint]), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
  assert.equal((plan(node("a", "True"), { silence: 20, graceMs: 20_000 })[0] as Loose).do, "setConditions");
  assert.equal((plan(node("a"), { silence: 55 })[0] as Loose).do, "wakeAt");
  assert.equal((plan(node("a"), { silence: 60 })[0] as Loose).do, "setConditions");
  const said = plan(
    node("a", "Unknown", {
      conditions: ["Memory", "Disk", "PID"].map((name) => ({ type: `${name}Pressure`, status: "Unknown" })),
    }),
    { silence: 90 },
  );
  assert(!said.some((action) => action.do === "setConditions"), "said once");
});

Deno.test("wantedTaints() follow the conditions, and leave those of others", () => {
  const foreign = { key: "example.com/x", effect: "NoSchedule" };
  const table: [string, Node, "none" | "not-ready" | "unreachable", string[] | undefined][] = [
    ["ready", node("a", "True"), "none", undefined],
    ["not ready", node("a", "False"), "not-ready", ["not-ready:NoSchedule", "not-ready:NoExecute"]],
    ["unreachable", node("a", "Unknown"), "unreachable", ["unreachable:NoSchedule", "unreachable:NoExecute"]],
    ["cordoned", node("a", "True", { unschedulable: true }), "none", ["unschedulable:NoSchedule"]],
    [
      "pressure",
      node("a", "True", {
        conditions: [{ type: "DiskPressure", status: "True" }, { type: "PIDPressure", status: "False" }],
      }),
      "none",
      ["disk-pressure:NoSchedule"],
    ],
    ["back again", node("a", "True", { taints: [foreign, noExecute("node.kubernetes.io/unreachable")] }), "none", [
      "example.com/x:NoSchedule",
    ]],
    ["only another's", node("a", "True", { taints: [foreign] }), "none", undefined],
  ];
  for (const [name, of, effect, expected] of table) {
    const taints = wantedTaints(of, effect, now)?.map(({ key, effect }) =>
      `${key.replace("node.kubernetes.io/", "")}:${effect}`
    );
    assert.deepEqual(taints, expected, name);
  }
});

Deno.test("planNode() evicts from one Node of a zone every ten seconds, and from none when all are down", () => {
  const down = node("a", "Unknown");
  assert.deepEqual(taintsOf(plan(down)), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
  const early = plan(down, { lastEviction: now - 4_000 });
  assert.deepEqual(taintsOf(early), ["unreachable:NoSchedule"]);
  assert(early.some((action) => action.do === "wakeAt" && action.at === now + 6_000));
  const allDown = { others: [node("b", "Unknown")] };
  assert.deepEqual(taintsOf(plan(down, allDown)), ["unreachable:NoSchedule"]);
  const tainted = node("a", "Unknown", { taints: [noExecute("node.kubernetes.io/unreachable")] });
  assert.deepEqual(taintsOf(plan(tainted, allDown)), ["unreachable:NoSchedule"], "taken back");
  const swapped = node("a", "False", { taints: [noExecute("node.kubernetes.io/unreachable")] });
  assert.deepEqual(
    taintsOf(plan(swapped, { lastEviction: now })),
    ["not-ready:NoSchedule", "not-ready:NoExecute"],
    "no new eviction",
  );
});

Deno.test("planNode() evicts nobody when all but the control plane's own host are down, or seem to be", () => {
  const down = node("a", "Unknown");
  const tainted = node("a", "Unknown", { taints: [noExecute("node.kubernetes.io/unreachable")] });
  const allButOwn = { others: [node("b", "Unknown"), node("own", "True")], own: "own" };
  assert.deepEqual(taintsOf(plan(down, allButOwn)), ["unreachable:NoSchedule"]);
  assert.deepEqual(taintsOf(plan(tainted, allButOwn)), ["unreachable:NoSchedule"], "taken back");
  const oneOfTwo = { others: [node("own", "True")], own: "own" };
  assert.deepEqual(taintsOf(plan(down, oneOfTwo)), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
  const elsewhere = { others: [node("b", "Unknown"), node("c", "True")], own: "own" };
  assert.deepEqual(taintsOf(plan(down, elsewhere)), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
  const doubtful = { others: [node("b", "True"), node("own", "True")], own: "own", suspects: ["b"] };
  const waits = plan(down, doubtful);
  assert.deepEqual(taintsOf(waits), ["unreachable:NoSchedule"]);
  assert(waits.some((action) => action.do === "wakeAt" && action.at === now + 1_000));
  // What was decided before stays until it is certain.
  assert.deepEqual(taintsOf(plan(tainted, doubtful)), ["unreachable:NoExecute", "unreachable:NoSchedule"]);
});

Deno.test("zoneState() and evictionInterval() slow down when most of a zone is down", () => {
  const table: [number, number, string][] = [
    [0, 1, "FullDisruption"],
    [1, 1, "Normal"],
    [1, 2, "Normal"],
    [2, 3, "PartialDisruption"],
    [9, 11, "PartialDisruption"],
    [10, 10, "Normal"],
    [0, 0, "Normal"],
  ];
  for (const [ready, notReady, expected] of table) {
    assert.equal(zoneState({ ready, notReady }), expected, `${ready} ${notReady}`);
  }
  const zone = (ready: number, notReady: number) =>
    zonesOf([
      ...Array.from({ length: ready }, (_, i) => node(`r${i}`, "True")),
      ...Array.from({ length: notReady }, (_, i) => node(`n${i}`, "Unknown")),
    ]);
  assert.equal(evictionInterval(zone(5, 1), "\nz"), 10_000);
  assert.equal(evictionInterval(zone(2, 8), "\nz"), undefined);
  assert.equal(evictionInterval(zone(20, 60), "\nz"), 100_000);
  const two = zonesOf([node("a", "Unknown", { zone: "dark" }), node("b", "True", { zone: "light" })]);
  assert.equal(evictionInterval(two, "\ndark"), 10_000, "one zone that is down is evicted from when another lives");
});

Deno.test("planNode() marks pods that still say that they are ready", () => {
  const pod = (name: string, status: string, age: number) =>
    ({
      metadata: { name },
      status: { conditions: [{ type: "Ready", status, lastTransitionTime: at(-age) }] },
    }) as Loose as Pod;
  const marked = (of: Node, pods: Pod[]) => {
    const action = plan(of, { pods }).find((action) => action.do === "markNotReady");
    return action?.do === "markNotReady" ? action.pods.map(({ metadata }) => metadata.name) : [];
  };
  const pods = [pod("old", "True", 500), pod("unready", "False", 500), pod("young", "True", 10)];
  assert.deepEqual(marked(node("a", "True"), pods), []);
  assert.deepEqual(marked(node("a", "Unknown"), pods), ["old", "young"]);
  assert.deepEqual(marked(node("a", "False"), pods), ["old"], "the agent lives, and knows better about the young one");
});
