import assert from "assert";
import { seededRandom } from "../../lib/seams/random.ts";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import type { PodDisruptionBudget } from "../../lib/types/policy_v1.ts";
import { emptyCatalogue } from "./catalogue.ts";
import { podInfo } from "./pod_info.ts";
import { findPreemption } from "./preempt.ts";
import { isPlaced, schedule } from "./schedule.ts";
import { Snapshot } from "./snapshot.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const node = (name: string, cpu = "4"): Node =>
  ({ metadata: { name, labels: {} }, spec: {}, status: { allocatable: { cpu, memory: "8Gi", pods: "10" } } }) as Loose;

const pod = (uid: string, cpu: string, priority: number, more: Loose = {}): Pod =>
  ({
    metadata: {
      name: uid,
      namespace: "default",
      uid,
      labels: { app: uid },
      creationTimestamp: more.created ?? "2026-01-01T00:00:00Z",
    },
    spec: { containers: [{ resources: { requests: { cpu } } }], priority, preemptionPolicy: more.policy },
    status: { startTime: more.created },
  }) as Loose;

const budget = (app: string, disruptionsAllowed: number): PodDisruptionBudget =>
  ({
    metadata: { namespace: "default" },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed },
  }) as Loose;

interface Case {
  name: string;
  nodes: Node[];
  there: Record<string, Pod[]>;
  pod: Pod;
  budgets?: PodDisruptionBudget[];
  /** `node: victims`, or the message. */
  expect: string;
}

function check({ name, nodes, there, pod, budgets = [], expect }: Case): void {
  const snapshot = new Snapshot();
  nodes.forEach((n) => snapshot.setNode(n));
  for (const [at, pods] of Object.entries(there)) pods.forEach((p) => snapshot.add(podInfo(p), at));
  const before = snapshot.nodes.map(({ cpu, pods }) => [cpu, pods.size]);
  const info = podInfo(pod);
  const placement = schedule(info, snapshot, emptyCatalogue, { start: 0, random: seededRandom(1) });
  assert(!isPlaced(placement), name);
  const found = findPreemption(info, placement, snapshot, emptyCatalogue, { budgets, chance: 0 });
  const actual = "node" in found ? `${found.node.name}: ${found.victims.map(({ uid }) => uid).sort()}` : found.message;
  assert.equal(actual, expect, name);
  assert.deepEqual(
    snapshot.nodes.map(({ cpu, pods }) => [cpu, pods.size]),
    before,
    `${name}: the snapshot is as before`,
  );
}

Deno.test("findPreemption() chooses the least harm", () => {
  const cases: Case[] = [
    {
      name: "the lower priority",
      nodes: [node("a")],
      there: { a: [pod("x", "2", 1), pod("y", "2", 5)] },
      pod: pod("p", "2", 10),
      expect: "a: x",
    },
    {
      name: "no more than needed",
      nodes: [node("a")],
      there: { a: [pod("x", "1", 1), pod("y", "1", 1), pod("z", "2", 1)] },
      pod: pod("p", "2", 10),
      expect: "a: z",
    },
    {
      name: "equals are left alone",
      nodes: [node("a")],
      there: { a: [pod("x", "4", 10)] },
      pod: pod("p", "2", 10),
      expect: "0/1 nodes are available: 1 No preemption victims found for incoming pod.",
    },
    {
      name: "where nothing helps",
      nodes: [node("a", "1"), node("b")],
      there: { a: [], b: [pod("x", "4", 10)] },
      pod: pod("p", "2", 10),
      expect:
        "0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.",
    },
    {
      name: "a pod that must not preempt",
      nodes: [node("a")],
      there: { a: [pod("x", "4", 1)] },
      pod: pod("p", "2", 10, { policy: "Never" }),
      expect: "not eligible due to preemptionPolicy=Never.",
    },
    {
      name: "the node with the lower highest priority",
      nodes: [node("a"), node("b")],
      there: { a: [pod("x", "4", 5)], b: [pod("y", "4", 1)] },
      pod: pod("p", "4", 10),
      expect: "b: y",
    },
    {
      name: "the node with fewer victims",
      nodes: [node("a"), node("b")],
      there: { a: [pod("x1", "2", 1), pod("x2", "2", 1)], b: [pod("y", "4", 1)] },
      pod: pod("p", "4", 10),
      expect: "b: y",
    },
    {
      name: "the node where less work is lost",
      nodes: [node("a"), node("b")],
      there: {
        a: [pod("x", "4", 1, { created: "2026-01-01T00:00:00Z" })],
        b: [pod("y", "4", 1, { created: "2026-01-02T00:00:00Z" })],
      },
      pod: pod("p", "4", 10),
      expect: "b: y",
    },
    {
      name: "budgets are kept where they can be",
      nodes: [node("a"), node("b")],
      budgets: [budget("y", 0)],
      there: { a: [pod("x", "4", 5)], b: [pod("y", "4", 1)] },
      pod: pod("p", "4", 10),
      expect: "a: x",
    },
    {
      name: "and broken where they must be",
      nodes: [node("a")],
      budgets: [budget("x", 0)],
      there: { a: [pod("x", "4", 5)] },
      pod: pod("p", "4", 10),
      expect: "a: x",
    },
    {
      name: "within a node, too",
      nodes: [node("a")],
      budgets: [budget("x", 0)],
      there: { a: [pod("x", "2", 1), pod("y", "2", 5)] },
      pod: pod("p", "2", 10),
      expect: "a: y",
    },
    {
      name: "even an emptied node is too small, beside what may not go",
      nodes: [node("a")],
      there: { a: [pod("x", "1", 1), pod("y", "3", 20)] },
      pod: pod("p", "2", 10),
      expect: "0/1 nodes are available: 1 Insufficient cpu.",
    },
  ];
  for (const one of cases) check(one);
});
