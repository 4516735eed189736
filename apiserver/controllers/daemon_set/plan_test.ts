import assert from "assert";
import type { ControllerRevision, DaemonSet } from "../../../lib/types/apps_v1.ts";
import type { Node, Pod, PodSpec, Taint } from "../../../lib/types/core_v1.ts";
import { templateHash } from "../deployment/hash.ts";
import { templatePatch } from "../revisions.ts";
import { failureKey } from "./manage.ts";
import { daemonTolerations, fitOf, pinned, targetNode } from "./node_fit.ts";
import { type DaemonAction, type DaemonView, type Failure, planDaemonSet } from "./plan.ts";

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace(".000", "");
const meta = (name: string, age = 100) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: at(-age),
});

function daemonSet(strategy: DaemonSet["spec"]["updateStrategy"] = rolling(1, 0), spec: Partial<PodSpec> = {}) {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { ...meta("ds"), generation: 2, annotations: { "deprecated.daemonset.template.generation": "2" } },
    spec: {
      selector: { matchLabels: { app: "d" } },
      template: { metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "c", image: "d:2" }], ...spec } },
      updateStrategy: strategy,
      revisionHistoryLimit: 2,
    },
    status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  } as DaemonSet;
}

const rolling = (maxUnavailable: number | string, maxSurge: number | string) => ({
  type: "RollingUpdate" as const,
  rollingUpdate: { maxUnavailable, maxSurge },
});

const node = (name: string, taints: Taint[] = [], labels: Record<string, string> = {}) =>
  ({ apiVersion: "v1", kind: "Node", metadata: { ...meta(name), labels }, spec: { taints }, status: {} }) as Node;

const set = daemonSet();
const hash = templateHash(set.spec.template, undefined);

/**
 * `n1 new ready`: a pod on n1 of the current revision. Also: `old`, `unready`, `deleting`, `failed`, `succeeded`, `pinned` (not placed
 * yet), `young`, and `#2` for a second pod there.
 */
function pod(text: string): Pod {
  const [on, ...words] = text.split(" ");
  const has = (word: string) => words.includes(word);
  const revision = has("old") ? { hash: "old", generation: "1" } : { hash, generation: "2" };
  const phase = has("failed") ? "Failed" : has("succeeded") ? "Succeeded" : has("pinned") ? "Pending" : "Running";
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...meta(text.replaceAll(" ", "-"), has("young") ? 1 : 100),
      labels: { app: "d", "controller-revision-hash": revision.hash, "pod-template-generation": revision.generation },
      deletionTimestamp: has("deleting") ? at(10) : undefined,
    },
    spec: has("pinned") ? { containers: [], affinity: pinned(undefined, on!) } : { containers: [], nodeName: on! },
    status: {
      phase,
      conditions: has("ready") ? [{ type: "Ready", status: "True", lastTransitionTime: at(-5) }] : [],
    },
  } as Pod;
}

const revision = (name: string, number: number, image: string) => ({
  apiVersion: "apps/v1",
  kind: "ControllerRevision",
  metadata: { ...meta(name), labels: { app: "d", "controller-revision-hash": name.slice(3) } },
  data: templatePatch({ metadata: { labels: { app: "d" } }, spec: { containers: [{ name: "c", image }] } } as never),
  revision: number,
} as ControllerRevision);

const current = revision(`ds-${hash}`, 2, "d:2");

interface Wish {
  set?: DaemonSet;
  nodes?: Node[];
  pods?: string[];
  revisions?: ControllerRevision[];
  failures?: [string, Failure][];
}

function viewOf(wish: Wish): DaemonView {
  const revisions = wish.revisions ?? [current];
  return {
    set: wish.set ?? set,
    nodes: wish.nodes ?? [node("n1"), node("n2"), node("n3")],
    pods: { mine: (wish.pods ?? []).map(pod), adopt: [], release: [] },
    revisions: { mine: revisions, adopt: [], release: [] },
    named: (name) => revisions.find((one) => one.metadata.name === name),
    failures: new Map(wish.failures ?? []),
  };
}

function textOf(action: DaemonAction | { do: "wakeAt"; at: number }): string {
  switch (action.do) {
    case "createPods":
      return `create ${action.nodes.join(" ")}`;
    case "deletePods":
      return `delete ${action.pods.map((one) => one.metadata.name).join(" ")}`;
    case "createRevision":
    case "updateRevision":
      return `${action.do} ${action.revision.metadata.name} ${action.revision.revision}`;
    case "deleteRevision":
      return `deleteRevision ${action.revision.metadata.name}`;
    case "relabel":
      return `relabel ${action.pod.metadata.name}`;
    case "wakeAt":
      return `wake +${(action.at - now) / 1000}`;
    case "updateStatus": {
      const { status: s } = action;
      return `status ${s.desiredNumberScheduled}d ${s.currentNumberScheduled}c ${s.numberMisscheduled}m ` +
        `${s.numberReady}r ${s.updatedNumberScheduled ?? 0}u ${s.numberAvailable ?? 0}a`;
    }
    case "warn":
      return `${action.reason}: ${action.message}`;
    default:
      return action.do;
  }
}

const planned = (wish: Wish) => planDaemonSet(viewOf(wish), now).map(textOf);
const done = (wish: Wish) => planned(wish).filter((text) => !text.startsWith("status"));

function check(name: string, table: [why: string, wish: Wish, expected: string[]][]): void {
  Deno.test(`planDaemonSet() ${name}`, () => {
    for (const [why, wish, expected] of table) assert.deepEqual(done(wish), expected, why);
  });
}

const noSchedule: Taint = { key: "k", effect: "NoSchedule" };
const noExecute: Taint = { key: "k", effect: "NoExecute" };
const all = (words: string) => ["n1", "n2", "n3"].map((name) => `${name} ${words}`);

check("has one pod on every node that fits", [
  ["missing ones are created", { pods: ["n2 new ready"] }, ["create n1 n3"]],
  ["a pod on its way counts", { pods: ["n1 new", "n2 new pinned", "n3 new ready"] }, []],
  ["a tainted node gets none", { nodes: [node("n1", [noSchedule])] }, []],
  ["a pod stays under a NoSchedule taint", { nodes: [node("n1", [noSchedule])], pods: ["n1 new ready"] }, []],
  [
    "and goes under a NoExecute taint",
    { nodes: [node("n1", [noExecute])], pods: ["n1 new ready"] },
    ["delete n1-new-ready"],
  ],
  ["of two the older stays", { nodes: [node("n1")], pods: ["n1 new young", "n1 new"] }, ["delete n1-new-young"]],
  ["a pinned pod of a gone node goes", { nodes: [], pods: ["n1 new pinned", "n2 new ready"] }, [
    "delete n1-new-pinned",
  ]],
  ["a pod that ends for ever is replaced", { nodes: [node("n1")], pods: ["n1 new succeeded"] }, [
    "delete n1-new-succeeded",
  ]],
  ["a deleted pod is waited for", { nodes: [node("n1")], pods: ["n1 new deleting"] }, []],
  ["but not one that has ended", { nodes: [node("n1")], pods: ["n1 new failed deleting"] }, ["create n1"]],
]);

const failure = (delayMs: number): [string, Failure][] => [[failureKey(set, "n1"), { at: now - 1000, delayMs }]];

check("replaces failed pods, later and later", [
  ["the first at once", { nodes: [node("n1")], pods: ["n1 new failed"] }, ["delete n1-new-failed"]],
  ["the next after its delay", { nodes: [node("n1")], pods: ["n1 new failed"], failures: failure(4000) }, ["wake +3"]],
  ["and then", { nodes: [node("n1")], pods: ["n1 new failed"], failures: failure(1000) }, ["delete n1-new-failed"]],
]);

check("rolls an update out within maxUnavailable", [
  ["one at a time", { pods: all("old ready") }, ["delete n1-old-ready"]],
  ["a share rounds up", { set: daemonSet(rolling("34%", 0)), pods: all("old ready") }, [
    "delete n1-old-ready n2-old-ready",
  ]],
  ["what is being replaced counts", { pods: ["n1 new", "n2 old ready", "n3 old ready"] }, []],
  ["what is unavailable goes anyway", { pods: ["n1 old", "n2 old", "n3 new"] }, ["delete n1-old n2-old"]],
  ["a deleted one counts", { pods: ["n1 old deleting", "n2 old ready", "n3 old ready"] }, []],
  ["missing pods first", { pods: ["n2 old ready", "n3 old ready"] }, ["create n1"]],
  ["not by itself with OnDelete", { set: daemonSet({ type: "OnDelete" }), pods: all("old ready") }, []],
]);

const surging = daemonSet(rolling(0, 1));

check("adds new pods before old ones go, with maxSurge", [
  ["one at a time", { set: surging, pods: all("old ready") }, ["create n1"]],
  ["both stay until the new one is available", { set: surging, pods: [...all("old ready"), "n1 new"] }, []],
  ["then the old one goes, and nothing else in that step", {
    set: surging,
    pods: [...all("old ready"), "n1 new ready"],
  }, ["delete n1-old-ready"]],
  ["an unready old pod goes at once when there is a new one", {
    set: surging,
    pods: ["n1 old", "n1 new", "n2 old ready", "n3 old ready"],
  }, ["delete n1-old"]],
  ["an unavailable old pod gets a new one besides the limit", {
    set: surging,
    pods: ["n1 old", "n2 old ready", "n3 old ready"],
  }, ["create n1 n2"]],
  ["a node that only has a deleted pod gets one", {
    set: surging,
    nodes: [node("n1")],
    pods: ["n1 old deleting"],
  }, ["create n1"]],
  ["an available pod that is misplaced stays while others are missing", {
    set: surging,
    nodes: [node("n1", [noSchedule]), node("n2")],
    pods: ["n1 old ready", "n2 new"],
  }, []],
  ["and goes when enough serve", {
    set: surging,
    nodes: [node("n1", [noSchedule]), node("n2")],
    pods: ["n1 old ready", "n2 new ready"],
  }, ["delete n1-old-ready"]],
]);

const ready = all("new ready");

check("keeps its history", [
  ["the first revision", { pods: ready, revisions: [] }, [`createRevision ds-${hash} 1`]],
  ["the next one", { pods: ready, revisions: [revision("ds-a", 4, "d:1")] }, [`createRevision ds-${hash} 5`]],
  ["an undone template becomes the newest", {
    pods: ready,
    revisions: [revision("ds-a", 4, "d:1"), { ...current, revision: 3 }],
  }, [`updateRevision ds-${hash} 5`]],
  ["two old ones are kept, and those that have pods", {
    pods: ["n1 old", "n2 new ready", "n3 new ready"],
    nodes: [node("n1", [noSchedule]), node("n2"), node("n3")],
    revisions: [
      revision("ds-old", 3, "d:3"),
      revision("ds-b", 4, "d:4"),
      revision("ds-c", 5, "d:5"),
      revision("ds-d", 6, "d:6"),
      { ...current, revision: 7 },
    ],
    set: daemonSet({ type: "OnDelete" }),
  }, ["deleteRevision ds-b", "deleteRevision ds-c"]],
  ["of twins the newer stays", {
    pods: ["n1 old ready"],
    nodes: [node("n1")],
    revisions: [
      revision("ds-old", 2, "d:2"),
      { ...current, revision: 3 },
    ],
  }, ["relabel n1-old-ready", "deleteRevision ds-old"]],
]);

Deno.test("planDaemonSet() counts another revision of the same name as a collision", () => {
  const taken = revision(`ds-${hash}`, 1, "other");
  const view = { ...viewOf({ revisions: [] }), named: () => taken };
  const [action, ...rest] = planDaemonSet(view, now);
  assert(action?.do === "updateStatus" && rest.length === 0);
  assert.equal(action.status.collisionCount, 1);
  // Left by a namesake and equal: it is used.
  const twin = { ...viewOf({ revisions: [] }), named: () => current };
  assert.deepEqual(planDaemonSet(twin, now).map(textOf), ["status 3d 0c 0m 0r 0u 0a", "create n1 n2 n3"]);
});

Deno.test("planDaemonSet() tells what is, before it changes anything", () => {
  const table: [Wish, string][] = [
    [{ pods: [] }, "status 3d 0c 0m 0r 0u 0a"],
    [{ pods: ["n1 new ready", "n2 old ready", "n3 new"] }, "status 3d 3c 0m 2r 2u 2a"],
    [{ pods: ["n1 new ready"], nodes: [node("n1", [noSchedule])] }, "status 0d 0c 1m 0r 0u 0a"],
  ];
  for (const [wish, expected] of table) assert.equal(planned(wish)[0], expected);
  const slow = daemonSet();
  slow.spec.minReadySeconds = 30;
  assert.deepEqual(planned({ set: slow, nodes: [node("n1")], pods: ["n1 new ready"] }), [
    "status 1d 1c 0m 1r 1u 0a",
    "wake +25",
  ]);
});

Deno.test("planDaemonSet() leaves a set alone that is being deleted, and warns of one that selects everything", () => {
  const leaving = daemonSet();
  leaving.metadata.deletionTimestamp = at(0);
  assert.deepEqual(planned({ set: leaving }), []);
  const greedy = daemonSet();
  greedy.spec.selector = {};
  assert.deepEqual(planned({ set: greedy }), [
    "SelectingAll: This daemon set is selecting all pods. A non-empty selector is required.",
  ]);
});

Deno.test("fitOf() asks for names, labels and taints as the scheduler does", () => {
  const text = ({ run, stay }: { run: boolean; stay: boolean }) => `${run ? "run" : "-"} ${stay ? "stay" : "-"}`;
  const unschedulable: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" };
  const network: Taint = { key: "node.kubernetes.io/network-unavailable", effect: "NoSchedule" };
  const preferred: Taint = { key: "k", effect: "PreferNoSchedule" };
  const table: [Partial<PodSpec>, Node, string][] = [
    [{}, node("n1"), "run stay"],
    [{ nodeName: "n2" }, node("n1"), "- -"],
    [{ nodeSelector: { disk: "ssd" } }, node("n1"), "- -"],
    [{ nodeSelector: { disk: "ssd" } }, node("n1", [], { disk: "ssd" }), "run stay"],
    [{}, node("n1", [unschedulable]), "run stay"],
    [{}, node("n1", [preferred]), "run stay"],
    [{}, node("n1", [network]), "- stay"],
    [{ hostNetwork: true }, node("n1", [network]), "run stay"],
    [{}, node("n1", [noExecute]), "- -"],
    [{ tolerations: [{ operator: "Exists" }] }, node("n1", [noExecute, noSchedule]), "run stay"],
  ];
  for (const [spec, on, expected] of table) assert.equal(text(fitOf(daemonSet(undefined, spec))(on)), expected);
});

Deno.test("daemonTolerations() replaces what ends after a time, and keeps the rest", () => {
  const own = { key: "own", operator: "Exists" as const };
  const key = "node.kubernetes.io/not-ready";
  const timed = { key, operator: "Exists" as const, effect: "NoExecute" as const, tolerationSeconds: 300 };
  const result = daemonTolerations({ containers: [], tolerations: [own, timed] });
  assert.deepEqual(result.slice(0, 2), [own, { key, operator: "Exists", effect: "NoExecute" }]);
  assert.equal(result.length, 7);
});

Deno.test("targetNode() is where a pod is, or where it is pinned", () => {
  assert.equal(targetNode(pod("n1 new")), "n1");
  assert.equal(targetNode(pod("n1 new pinned")), "n1");
  assert.equal(targetNode({ spec: { containers: [] } } as unknown as Pod), undefined);
});
