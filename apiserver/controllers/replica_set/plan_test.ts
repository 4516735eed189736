import assert from "assert";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { planReplicas, type Replicas, type ReplicasView } from "./plan.ts";
import { deletionCost, podsToDelete } from "./ranking.ts";
import { refusedStatus } from "./status.ts";

const now = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number) => new Date(now - seconds * 1000).toISOString().replace(".000", "");

interface Wish {
  node?: string;
  phase?: Pod["status"]["phase"];
  /** Seconds since it became ready; absent: it is not. */
  ready?: number;
  age?: number;
  cost?: string;
  restarts?: number;
  labels?: Record<string, string>;
  uid?: string;
}

function pod(name: string, wish: Wish = {}): Pod {
  const { node, phase = "Running", ready, age = 1000, cost, restarts = 0, labels = { app: "web" } } = wish;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: "default",
      uid: wish.uid ?? name,
      resourceVersion: "1",
      creationTimestamp: ago(age),
      labels,
      annotations: cost === undefined ? undefined : { "controller.kubernetes.io/pod-deletion-cost": cost },
    },
    spec: { containers: [{ name: "web" }], nodeName: node },
    status: {
      phase,
      conditions: ready === undefined ? [] : [{ type: "Ready", status: "True", lastTransitionTime: ago(ready) }],
      containerStatuses: [{ name: "web", image: "", imageID: "", ready: ready !== undefined, restartCount: restarts }],
    },
  };
}

function view(
  replicas: number,
  pods: Pod[],
  more: Partial<ReplicasView> & { owner?: Partial<Replicas> } = {},
): ReplicasView {
  const owner = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "rs",
      resourceVersion: "1",
      creationTimestamp: ago(1),
      generation: 1,
    },
    spec: { replicas, template: { metadata: { labels: { app: "web" } }, spec: { containers: [] } } },
    status: { replicas: 0 },
    ...more.owner,
  } as Replicas;
  return {
    pods: { mine: pods, adopt: [], release: [] },
    terminating: 0,
    countsTerminating: true,
    related: pods,
    ...more,
    owner,
  };
}

Deno.test("podsToDelete() chooses in Kubernetes' order", () => {
  const table: [string, Pod, Pod][] = [
    ["unassigned before assigned", pod("a", { ready: 9 }), pod("b", { node: "n", ready: 9 })],
    ["pending before running", pod("a", { node: "n", phase: "Pending", ready: 1 }), pod("b", { node: "n" })],
    ["not ready before ready", pod("a", { node: "n" }), pod("b", { node: "n", ready: 1 })],
    ["lower deletion cost first", pod("a", { node: "n", ready: 9, cost: "-1" }), pod("b", { node: "n", ready: 9 })],
    [
      "an unreadable cost is 0",
      pod("a", { node: "n", ready: 9, cost: "x" }),
      pod("b", { node: "n", ready: 9, cost: "1" }),
    ],
    ["ready for a shorter time first", pod("a", { node: "n", ready: 1 }), pod("b", { node: "n", ready: 900 })],
    [
      "more restarts first",
      pod("a", { node: "n", ready: 9, restarts: 2 }),
      pod("b", { node: "n", ready: 9, restarts: 1 }),
    ],
    ["younger first", pod("a", { node: "n", ready: 9, age: 10 }), pod("b", { node: "n", ready: 9, age: 1000 })],
    [
      "about equally old ones by uid",
      pod("a", { node: "n", ready: 600, uid: "1" }),
      pod("b", { node: "n", ready: 590, uid: "2" }),
    ],
  ];
  for (const [name, first, second] of table) {
    assert.deepEqual(podsToDelete([second, first], [], 1, now).map((p) => p.metadata.name), ["a"], name);
    assert.deepEqual(podsToDelete([first, second], [], 1, now).map((p) => p.metadata.name), ["a"], name);
  }
});

Deno.test("podsToDelete() prefers nodes with more pods of the same owner", () => {
  const alone = pod("alone", { node: "n1", ready: 1 });
  const crowded = pod("crowded", { node: "n2", ready: 900 });
  const sibling = pod("sibling", { node: "n2", ready: 900 });
  assert.deepEqual(podsToDelete([alone, crowded], [alone, crowded, sibling], 1, now), [crowded]);
});

Deno.test("deletionCost() takes 32-bit integers only", () => {
  const table: [string, number][] = [["5", 5], ["-5", -5], ["+5", 0], ["05", 0], ["2147483648", 0], ["", 0], [
    "1.5",
    0,
  ]];
  for (const [cost, expected] of table) assert.equal(deletionCost(pod("a", { cost })), expected, cost);
});

Deno.test("planReplicas() creates, deletes and adopts towards the wanted number", () => {
  const brief = (v: ReplicasView) =>
    planReplicas(v, now).filter((action) => action.do !== "updateStatus").map((action) => {
      if (action.do === "createPods") return `create ${action.count}`;
      if (action.do === "deletePods") return `delete ${action.pods.map((p) => p.metadata.name)}`;
      return action.do;
    });
  const [a, b] = [pod("a", { node: "n", ready: 5 }), pod("b", { node: "n" })];
  assert.deepEqual(brief(view(3, [])), ["create 3"]);
  assert.deepEqual(brief(view(2000, [])), ["create 500"], "at most 500 in one go");
  assert.deepEqual(brief(view(1, [a, b])), ["delete b"]);
  assert.deepEqual(brief(view(0, [a, b])), ["delete a,b"]);
  assert.deepEqual(brief(view(2, [a, b])), []);
  assert.deepEqual(brief(view(2, [], { pods: { mine: [a], adopt: [b], release: [] } })), ["adopt"]);
  assert.deepEqual(brief(view(1, [], { pods: { mine: [], adopt: [], release: [b] } })), ["release", "create 1"]);
  const deleting = view(3, [a]);
  deleting.owner.metadata.deletionTimestamp = ago(0);
  assert.deepEqual(brief(deleting), [], "an owner that is being deleted makes no pods");
});

Deno.test("planReplicas() reports counts, and wakes when a pod becomes available", () => {
  const pods = [pod("a", { ready: 100 }), pod("b", { ready: 4 }), pod("c"), pod("d", { labels: {} })];
  const owned = view(4, pods, { terminating: 2 });
  owned.owner.spec.minReadySeconds = 10;
  const actions = planReplicas(owned, now);
  const [update, wake] = actions;
  assert.equal(actions.length, 2);
  assert(update?.do === "updateStatus" && wake?.do === "wakeAt");
  assert.deepEqual(update.status, {
    replicas: 4,
    fullyLabeledReplicas: 3,
    readyReplicas: 2,
    availableReplicas: 1,
    terminatingReplicas: 2,
    observedGeneration: 1,
    conditions: undefined,
  });
  assert.equal(wake.at, now + 6000);
  owned.owner.status = update.status;
  assert.deepEqual(
    planReplicas(owned, now).map((action) => action.do),
    ["wakeAt"],
    "an equal status is not written again",
  );
});

Deno.test("refusedStatus() says once why pods can't be made, and the condition goes when they can", () => {
  const once = refusedStatus({ replicas: 0 }, { replicas: 0 }, "FailedCreate", "quota", now);
  assert.deepEqual(once.conditions, [
    { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "quota", lastTransitionTime: ago(0) },
  ]);
  const again = refusedStatus({ replicas: 0 }, once, "FailedCreate", "another message", now + 5000);
  assert.deepEqual(again.conditions, once.conditions);
  const owned = view(1, [pod("a", { ready: 1 })]);
  owned.owner.status = once;
  const [update] = planReplicas(owned, now);
  assert(update?.do === "updateStatus");
  assert.equal(update.status.conditions, undefined);
});
