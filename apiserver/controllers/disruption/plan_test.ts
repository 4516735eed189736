import assert from "assert";
import type { Pod } from "../../../lib/types/core_v1.ts";
import type {
  PodDisruptionBudget,
  PodDisruptionBudgetSpec,
  PodDisruptionBudgetStatus,
} from "../../../lib/types/policy_v1.ts";
import type { Informers } from "../informers.ts";
import { planDisruption, type Scale } from "./plan.ts";
import { scaleOf } from "./scale.ts";
import { planStale } from "./stale.ts";

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace(".000", "");
const meta = (name: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: at(-500),
});

/** `a ready rs`: a pod of the controller `rs`. Also `deleting`, `stale` (to be disrupted for 200 s), `marked` (for 20 s), `failed`. */
function pod(text: string): Pod {
  const [name, ...words] = text.split(" ");
  const has = (word: string) => words.includes(word);
  const owner = words.find((word) => /^(rs|sts|job|gone)\d?$/.test(word));
  const since = has("stale") ? -200 : has("marked") ? -20 : undefined;
  return {
    metadata: {
      ...meta(name!),
      deletionTimestamp: has("deleting") ? at(10) : undefined,
      ownerReferences: owner === undefined
        ? undefined
        : [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }],
    },
    status: {
      phase: has("failed") ? "Failed" : "Running",
      conditions: [
        ...(has("ready") ? [{ type: "Ready", status: "True" }] : []),
        ...(since === undefined ? [] : [{ type: "DisruptionTarget", status: "True", lastTransitionTime: at(since) }]),
      ],
    },
  } as Pod;
}

interface Wish {
  spec: PodDisruptionBudgetSpec;
  status?: PodDisruptionBudgetStatus;
  pods?: string[];
}

const scales: Record<string, Scale> = {
  rs: { uid: "rs", replicas: 4 },
  sts: { uid: "sts", replicas: 3 },
  job: "jobs.batch does not implement the scale subresource",
};

function planned({ spec, status = {}, pods = [] }: Wish): string[] {
  const budget = { metadata: { ...meta("b"), generation: 3 }, spec, status } as PodDisruptionBudget;
  const view = {
    budget,
    pods: pods.map(pod),
    scaleOf: ({ name }: { name: string }) => scales[name] ?? 'found no controllers for pod "x"',
  };
  return planDisruption(view, now).map((action) => {
    if (action.do === "wakeAt") return `wake +${(action.at - now) / 1000}`;
    if (action.do === "report") return action.reason;
    const { currentHealthy, desiredHealthy, disruptionsAllowed, expectedPods, disruptedPods, conditions } =
      action.status;
    const waiting = Object.keys(disruptedPods ?? {}).map((name) => ` -${name}`).join("");
    const { status, reason } = conditions![0]!;
    return `${currentHealthy}/${desiredHealthy} of ${expectedPods}: ${disruptionsAllowed} ${status} ${reason}${waiting}`;
  });
}

function check(name: string, table: [why: string, wish: Wish, expected: string[]][]): void {
  Deno.test(`planDisruption() ${name}`, () => {
    for (const [why, wish, expected] of table) assert.deepEqual(planned(wish), expected, why);
  });
}

const four = ["a ready rs", "b ready rs", "c ready rs", "d ready rs"];

check("counts what may go", [
  ["a number that stays", { spec: { minAvailable: 3 }, pods: four }, ["4/3 of 4: 1 True SufficientPods"]],
  ["a share that stays, rounded up", { spec: { minAvailable: "30%" }, pods: four }, [
    "4/2 of 4: 2 True SufficientPods",
  ]],
  ["a number that may go", { spec: { maxUnavailable: 1 }, pods: four }, ["4/3 of 4: 1 True SufficientPods"]],
  ["a share that may go, rounded up", { spec: { maxUnavailable: "30%" }, pods: four }, [
    "4/2 of 4: 2 True SufficientPods",
  ]],
  ["more than there are", { spec: { maxUnavailable: 9 }, pods: four }, ["4/0 of 4: 4 True SufficientPods"]],
  ["pods that are wanted and not there count", { spec: { maxUnavailable: 1 }, pods: four.slice(1) }, [
    "3/3 of 4: 0 False InsufficientPods",
  ]],
  ["unready and leaving ones don't serve", {
    spec: { minAvailable: 1 },
    pods: ["a rs", "b ready rs deleting", "c ready rs"],
  }, ["1/1 of 3: 0 False InsufficientPods"]],
  ["several controllers are added", { spec: { maxUnavailable: 2 }, pods: ["a ready rs", "b ready sts"] }, [
    "2/5 of 7: 0 False InsufficientPods",
  ]],
  ["none match", { spec: { minAvailable: 0 } }, ["NoPods", "0/0 of 0: 0 False InsufficientPods"]],
  ["unmanaged ones are told", { spec: { maxUnavailable: 1 }, pods: ["a ready"] }, [
    "UnmanagedPods",
    "1/0 of 0: 0 False InsufficientPods",
  ]],
]);

check("remembers evictions until they are seen", [
  ["a pod that is to go counts as gone", {
    spec: { minAvailable: 2 },
    status: { disruptedPods: { a: at(-20) } },
    pods: four,
  }, ["3/2 of 4: 1 True SufficientPods -a", "wake +100.001"]],
  ["until it is seen to go", {
    spec: { minAvailable: 2 },
    status: { disruptedPods: { a: at(-20), gone: at(-20) } },
    pods: ["a ready rs deleting", ...four.slice(1)],
  }, ["3/2 of 4: 1 True SufficientPods"]],
  ["or has had its time", { spec: { minAvailable: 2 }, status: { disruptedPods: { a: at(-130) } }, pods: four }, [
    "NotDeleted",
    "4/2 of 4: 2 True SufficientPods",
  ]],
]);

const before = { currentHealthy: 4, desiredHealthy: 3, expectedPods: 4, disruptionsAllowed: 1 };

check("allows nothing where it cannot count", [
  ["a kind without a scale", { spec: { maxUnavailable: 1 }, status: before, pods: ["a ready job"] }, [
    "CalculateExpectedPodCountFailed",
    "4/3 of 4: 0 False SyncFailed",
  ]],
  ["a controller that is gone", { spec: { minAvailable: "50%" }, status: before, pods: ["a ready gone"] }, [
    "CalculateExpectedPodCountFailed",
    "4/3 of 4: 0 False SyncFailed",
  ]],
  ["a number needs no controller", { spec: { minAvailable: 1 }, pods: ["a ready gone", "b ready"] }, [
    "2/1 of 2: 1 True SufficientPods",
  ]],
]);

Deno.test("scaleOf() asks the topmost controller that has a number", () => {
  const found = (name: string, replicas: number, owner?: object) => ({
    get: (key: string) =>
      key === `default/${name}`
        ? { metadata: { ...meta(name), ownerReferences: owner === undefined ? [] : [owner] }, spec: { replicas } }
        : undefined,
  });
  const deployment = { apiVersion: "apps/v1", kind: "Deployment", name: "d", uid: "d", controller: true };
  const informers = {
    deployments: found("d", 5),
    replicaSets: found("rs", 2, deployment),
    replicationControllers: found("rc", 7),
    statefulSets: found("sts", 3),
  } as unknown as Informers;
  const owner = (apiVersion: string, kind: string, name: string, uid = name) => ({ apiVersion, kind, name, uid });
  const table: [ReturnType<typeof owner>, Scale][] = [
    [owner("apps/v1", "ReplicaSet", "rs"), { uid: "d", replicas: 5 }],
    [owner("v1", "ReplicationController", "rc"), { uid: "rc", replicas: 7 }],
    [owner("apps/v1", "StatefulSet", "sts"), { uid: "sts", replicas: 3 }],
    [owner("apps/v1", "StatefulSet", "sts", "older"), 'found no controllers for pod "p"'],
    [owner("apps/v1", "DaemonSet", "ds"), "daemonsets.apps does not implement the scale subresource"],
    [owner("example.com/v1", "ReplicaSet", "rs"), 'found no controllers for pod "p"'],
  ];
  for (const [of, expected] of table) assert.deepEqual(scaleOf(informers, of, pod("p")), expected);
});

Deno.test("planStale() takes back what did not happen", () => {
  const table: [string, string[]][] = [
    ["a ready", []],
    ["a ready marked", ["wake +100"]],
    ["a ready stale", ["takeBack False"]],
    ["a ready stale deleting", []],
    ["a stale failed", []],
  ];
  for (const [text, expected] of table) {
    const actions = planStale(pod(text), now).map((action) =>
      action.do === "wakeAt" ? `wake +${(action.at - now) / 1000}` : `${action.do} ${action.condition.status}`
    );
    assert.deepEqual(actions, expected, text);
  }
});
