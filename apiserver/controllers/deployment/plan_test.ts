import assert from "assert";
import type { Deployment, ReplicaSet } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { type DeploymentAction, type DeploymentView, planDeployment } from "./plan.ts";
import { newReplicaSet } from "./replica_sets.ts";
import { fenceposts, maxUnavailable } from "./fenceposts.ts";
import { safeEncode, templateHash } from "./hash.ts";

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace(".000", "");

interface Wish {
  replicas?: number;
  surge?: number | string;
  unavailable?: number | string;
  recreate?: true;
  spec?: Partial<Deployment["spec"]>;
  status?: Deployment["status"];
  annotations?: Record<string, string>;
  deleting?: true;
}

function deployment(wish: Wish = {}): Deployment {
  const { replicas = 10, surge = 3, unavailable = 2 } = wish;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "d",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: at(-1000),
      annotations: wish.annotations,
      deletionTimestamp: wish.deleting ? at(0) : undefined,
    },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "web", image: "web:2" }] },
      },
      strategy: wish.recreate
        ? { type: "Recreate" }
        : { type: "RollingUpdate", rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      ...wish.spec,
    },
    status: wish.status ?? {},
  };
}

interface Set {
  replicas: number;
  /** Pods that exist; as many as wanted by default. */
  pods?: number;
  /** Pods that are available (and ready); all by default. */
  available?: number;
  revision?: number;
  desired?: number;
  max?: number;
  failure?: string;
}

/** The set of the deployment's own template, or an older one. */
function replicaSet(of: Deployment, which: "new" | number, set: Set): ReplicaSet {
  const image = which === "new" ? "web:2" : `old:${which}`;
  const template = { ...of.spec.template, spec: { containers: [{ name: "web", image }] } };
  const made = newReplicaSet({ ...of, spec: { ...of.spec, template } }, undefined);
  const pods = set.pods ?? set.replicas;
  const available = set.available ?? pods;
  const age = which === "new" ? 0 : which;
  return {
    ...made,
    metadata: {
      ...made.metadata,
      uid: `rs-${which}`,
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: at(-100 - age),
      annotations: {
        "deployment.kubernetes.io/revision": String(set.revision ?? (which === "new" ? 9 : 9 - which)),
        "deployment.kubernetes.io/desired-replicas": String(set.desired ?? of.spec.replicas),
        "deployment.kubernetes.io/max-replicas": String(set.max ?? (of.spec.replicas ?? 1) + 3),
      },
    },
    spec: { ...made.spec, replicas: set.replicas },
    status: {
      replicas: pods,
      readyReplicas: available,
      availableReplicas: available,
      observedGeneration: 1,
      terminatingReplicas: 0,
      conditions: set.failure === undefined
        ? undefined
        : [{ type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: set.failure }],
    },
  };
}

function plan(of: Deployment, sets: ReplicaSet[], more: Partial<DeploymentView> & { pods?: Map<string, Pod[]> } = {}) {
  const named = new Map(sets.map((set) => [set.metadata.name, set]));
  const view: DeploymentView = {
    deployment: of,
    sets: { mine: sets, adopt: [], release: [] },
    pods: new Map(),
    named: (name) => named.get(name),
    ...more,
  };
  return planDeployment(view, now) as DeploymentAction[];
}

/** What becomes of the sets' sizes: `new: 3`, `1: 5`; nothing for those that stay. */
function sizes(of: Deployment, sets: ReplicaSet[], actions: readonly DeploymentAction[]): Record<string, number> {
  const names = new Map(sets.map((set) => [set.metadata.name, set.metadata.uid.slice(3)]));
  const result: Record<string, number> = {};
  for (const action of actions) {
    if (action.do === "createSet") result.created = action.set.spec.replicas!;
    if (action.do !== "updateSet") continue;
    const before = sets.find((set) => set.metadata.name === action.set.metadata.name)!;
    if (before.spec.replicas !== action.set.spec.replicas) {
      result[names.get(action.set.metadata.name)!] = action.set.spec.replicas!;
    }
  }
  void of;
  return result;
}

function statusOf(actions: readonly DeploymentAction[]) {
  const found = actions.find((action) => action.do === "updateStatus");
  return found?.do === "updateStatus" ? found.deployment : undefined;
}

const reasonOf = (actions: readonly DeploymentAction[], type: string) => {
  const condition = statusOf(actions)?.status.conditions?.find((condition) => condition.type === type);
  return condition === undefined ? undefined : `${condition.status} ${condition.reason}`;
};

interface Step {
  name: string;
  wish?: Wish;
  sets: Partial<Record<"new" | number, Set>>;
  becomes: Record<string, number>;
}

function check({ name, wish, sets, becomes }: Step): void {
  const of = deployment(wish);
  const made = Object.entries(sets).map(([which, set]) =>
    replicaSet(of, which === "new" ? "new" : Number(which), set!)
  );
  assert.deepEqual(sizes(of, made, plan(of, made)), becomes, name);
}

Deno.test("planDeployment() takes the steps of a rolling update", () => {
  const steps: Step[] = [
    { name: "the first set gets all replicas", sets: {}, becomes: { created: 10 } },
    {
      name: "a new template starts within the surge and takes down what may be missing",
      sets: { 1: { replicas: 10 } },
      becomes: { created: 3, 1: 8 },
    },
    {
      name: "no surge: old ones go first",
      wish: { surge: 0, unavailable: 2 },
      sets: { 1: { replicas: 10 } },
      becomes: { created: 0, 1: 8 },
    },
    {
      name: "no unavailability: only up",
      wish: { surge: 3, unavailable: 0 },
      sets: { 1: { replicas: 10 } },
      becomes: { created: 3 },
    },
    {
      name: "the new set grows into the room that old pods left",
      sets: { new: { replicas: 3, available: 3 }, 1: { replicas: 8 } },
      becomes: { new: 5 },
    },
    {
      name: "at the limit old pods go as new ones get available",
      sets: { new: { replicas: 5, available: 3 }, 1: { replicas: 8 } },
      becomes: { 1: 5 },
    },
    {
      name: "a bad image stands still: 5 new, 8 old",
      sets: { new: { replicas: 5, available: 0 }, 1: { replicas: 8 } },
      becomes: {},
    },
    {
      name: "old pods that are not available go first",
      sets: { new: { replicas: 5, available: 0 }, 1: { replicas: 8, available: 6 } },
      becomes: {},
    },
    {
      name: "unhealthy old pods make room even if the new ones are not available",
      wish: { unavailable: 4 },
      sets: { new: { replicas: 5, available: 0 }, 1: { replicas: 8, available: 6 } },
      becomes: { 1: 6 },
    },
    {
      name: "older sets go before younger ones",
      sets: { new: { replicas: 5 }, 1: { replicas: 4 }, 2: { replicas: 4 } },
      becomes: { 1: 3, 2: 0 },
    },
    { name: "the end: the last old ones go", sets: { new: { replicas: 10 }, 1: { replicas: 2 } }, becomes: { 1: 0 } },
    { name: "done", sets: { new: { replicas: 10 } }, becomes: {} },
    {
      name: "scaled to nothing",
      wish: { replicas: 0 },
      sets: { new: { replicas: 10, desired: 10 } },
      becomes: { new: 0 },
    },
    {
      name: "a rollback scales the old set up again",
      sets: { new: { replicas: 0, revision: 1 }, 1: { replicas: 10, revision: 2 } },
      becomes: { new: 3 },
    },
  ];
  for (const step of steps) check(step);
});

Deno.test("planDeployment() scales in proportion while it rolls: 10 + 3 with 5 new and 8 old, to 15, is 7 and 11", () => {
  check({
    name: "up",
    wish: { replicas: 15 },
    sets: { new: { replicas: 5, available: 0, desired: 10, max: 13 }, 1: { replicas: 8, desired: 10, max: 13 } },
    becomes: { new: 7, 1: 11 },
  });
});

Deno.test("planDeployment() scales several sets in proportion, what rounding leaves going to the largest", () => {
  const steps: Step[] = [
    {
      name: "down",
      wish: { replicas: 5, surge: 0, unavailable: 1 },
      sets: { new: { replicas: 5, available: 0, desired: 10, max: 10 }, 1: { replicas: 5, desired: 10, max: 10 } },
      becomes: { new: 3, 1: 2 },
    },
    {
      name: "down to nothing",
      wish: { replicas: 0 },
      sets: { new: { replicas: 5, available: 0, desired: 10, max: 13 }, 1: { replicas: 8, desired: 10, max: 13 } },
      becomes: { new: 0, 1: 0 },
    },
    {
      name: "leftovers",
      wish: { replicas: 11, surge: 0, unavailable: 1 },
      sets: { new: { replicas: 5, available: 0, desired: 10, max: 10 }, 1: { replicas: 5, desired: 10, max: 10 } },
      becomes: { new: 6 },
    },
    {
      name: "a saturated new set takes over at once",
      wish: { replicas: 10 },
      sets: { new: { replicas: 10, desired: 10 }, 1: { replicas: 2, desired: 12 } },
      becomes: { 1: 0 },
    },
    {
      name: "only one set with pods is simply scaled",
      wish: { replicas: 12 },
      sets: { new: { replicas: 0, desired: 10 }, 1: { replicas: 10, desired: 10 } },
      becomes: { 1: 12 },
    },
    {
      name: "paused: scaling, yes",
      wish: { replicas: 12, spec: { paused: true } },
      sets: { 1: { replicas: 10, desired: 10 } },
      becomes: { 1: 12 },
    },
    { name: "paused: rolling, no", wish: { spec: { paused: true } }, sets: { 1: { replicas: 10 } }, becomes: {} },
  ];
  for (const step of steps) check(step);
});

Deno.test("planDeployment() with Recreate waits for the end of all old pods", () => {
  const of = deployment({ recreate: true });
  const pod = (phase: string) => ({ status: { phase } }) as Pod;
  const old = (set: Set) => [replicaSet(of, 1, set)];
  const running = old({ replicas: 10 });
  assert.deepEqual(sizes(of, running, plan(of, running)), { 1: 0 });
  const leaving = old({ replicas: 0, pods: 3, available: 0 });
  assert.deepEqual(sizes(of, leaving, plan(of, leaving)), {});
  const gone = old({ replicas: 0 });
  const view = (phase: string) => ({ pods: new Map([["rs-1", [pod(phase)]]]) });
  assert.deepEqual(sizes(of, gone, plan(of, gone, view("Running"))), {}, "terminating pods run");
  assert.deepEqual(sizes(of, gone, plan(of, gone, view("Succeeded"))), { created: 10 }, "finished pods don't");
  assert.deepEqual(sizes(of, gone, plan(of, gone)), { created: 10 });
});

Deno.test("fenceposts() rounds the surge up and the unavailable down, and never allows neither", () => {
  const table: [number, number | string, number | string, { surge: number; unavailable: number }][] = [
    [10, "25%", "25%", { surge: 3, unavailable: 2 }],
    [1, "25%", "25%", { surge: 1, unavailable: 0 }],
    [3, "0%", "25%", { surge: 0, unavailable: 1 }],
    [3, 0, 0, { surge: 0, unavailable: 1 }],
    [3, "100%", 5, { surge: 3, unavailable: 5 }],
  ];
  for (const [replicas, surge, unavailable, expected] of table) {
    assert.deepEqual(fenceposts(deployment({ replicas, surge, unavailable })), expected);
  }
  assert.equal(maxUnavailable(deployment({ replicas: 3, unavailable: 5 })), 3);
  assert.equal(maxUnavailable(deployment({ replicas: 0, unavailable: 5 })), 0);
});

Deno.test("planDeployment() says what it is doing in the Progressing condition", () => {
  const progressing = (reason: string, age = 10, status = "True") => ({
    conditions: [{ type: "Progressing", status, reason, lastUpdateTime: at(-age), lastTransitionTime: at(-age) }],
  });
  const reason = (wish: Wish, sets: Partial<Record<"new" | number, Set>>) => {
    const of = deployment(wish);
    const made = Object.entries(sets).map(([which, set]) =>
      replicaSet(of, which === "new" ? "new" : Number(which), set!)
    );
    return reasonOf(plan(of, made), "Progressing");
  };
  assert.equal(reason({}, {}), "True NewReplicaSetCreated");
  assert.equal(
    reason({ status: { replicas: 10, updatedReplicas: 3 } }, {
      new: { replicas: 3, available: 0 },
      1: { replicas: 8 },
    }),
    "True ReplicaSetUpdated",
    "fewer old pods than the status says",
  );
  assert.equal(
    reason({ status: { replicas: 11, updatedReplicas: 3, readyReplicas: 8, availableReplicas: 8 } }, {
      new: { replicas: 3, available: 0 },
      1: { replicas: 8 },
    }),
    "True FoundNewReplicaSet",
    "nothing moved yet",
  );
  assert.equal(reason({}, { new: { replicas: 10 } }), "True NewReplicaSetAvailable");
  const still = { replicas: 13, updatedReplicas: 5, readyReplicas: 8, availableReplicas: 8 };
  const sets = { new: { replicas: 5, available: 0 }, 1: { replicas: 8 } };
  assert.equal(
    reason({ status: { ...still, ...progressing("ReplicaSetUpdated", 599) } }, sets),
    "True ReplicaSetUpdated",
  );
  assert.equal(
    reason({ status: { ...still, ...progressing("ReplicaSetUpdated", 601) } }, sets),
    "False ProgressDeadlineExceeded",
  );
  assert.equal(
    reason({
      status: { ...still, ...progressing("ReplicaSetUpdated", 601) },
      spec: { progressDeadlineSeconds: 2 ** 31 - 1 },
    }, sets),
    undefined,
    "no deadline, no condition",
  );
  assert.equal(
    reason({ status: progressing("ReplicaSetUpdated"), spec: { paused: true } }, sets),
    "Unknown DeploymentPaused",
  );
  assert.equal(
    reason({ status: { ...still, ...progressing("DeploymentPaused", 10, "Unknown") } }, sets),
    "Unknown DeploymentResumed",
  );
  assert.equal(
    reason({ status: progressing("ProgressDeadlineExceeded", 10, "False"), spec: { paused: true } }, sets),
    "False ProgressDeadlineExceeded",
    "time that is up is not painted over",
  );
});

Deno.test("planDeployment() wakes itself when the progress deadline passes", () => {
  const still = { replicas: 13, updatedReplicas: 5, readyReplicas: 8, availableReplicas: 8 };
  const conditions = [{ type: "Progressing", status: "True", reason: "ReplicaSetUpdated", lastUpdateTime: at(-100) }];
  const of = deployment({ status: { ...still, conditions } });
  const sets = [replicaSet(of, "new", { replicas: 5, available: 0 }), replicaSet(of, 1, { replicas: 8 })];
  const wake = planDeployment({
    deployment: of,
    sets: { mine: sets, adopt: [], release: [] },
    pods: new Map(),
    named: () => undefined,
  }, now)
    .find((action) => action.do === "wakeAt");
  assert.deepEqual(wake, { do: "wakeAt", at: now + 501_000, why: "the progress deadline passes" });
});

Deno.test("planDeployment() is available while enough pods are, and takes over why pods can't be made", () => {
  const of = deployment();
  const few = [
    replicaSet(of, "new", { replicas: 5, available: 0, failure: "quota" }),
    replicaSet(of, 1, { replicas: 8, available: 7 }),
  ];
  assert.equal(reasonOf(plan(of, few), "Available"), "False MinimumReplicasUnavailable");
  assert.equal(reasonOf(plan(of, few), "ReplicaFailure"), "True FailedCreate");
  const enough = [replicaSet(of, "new", { replicas: 5, available: 0 }), replicaSet(of, 1, { replicas: 8 })];
  assert.equal(reasonOf(plan(of, enough), "Available"), "True MinimumReplicasAvailable");
  const { status } = statusOf(plan(of, enough))!;
  assert.deepEqual(
    { ...status, conditions: undefined },
    {
      observedGeneration: 1,
      replicas: 13,
      updatedReplicas: 5,
      readyReplicas: 8,
      availableReplicas: 8,
      unavailableReplicas: 5,
      terminatingReplicas: 0,
      collisionCount: undefined,
      conditions: undefined,
    },
  );
});

Deno.test("planDeployment() asks for nothing when all is as it says", () => {
  let of = deployment({ annotations: { "deployment.kubernetes.io/revision": "9" } });
  const sets = [replicaSet(of, "new", { replicas: 10 })];
  of = statusOf(plan(of, sets))!;
  assert.deepEqual(plan(of, sets), []);
});

Deno.test("planDeployment() numbers revisions, and remembers those of a set that comes back", () => {
  const annotations = { team: "a", "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  const of = deployment({ annotations });
  const first = plan(of, []);
  const created = first.find((action) => action.do === "createSet")!;
  assert(created.do === "createSet");
  assert.deepEqual(created.set.metadata.annotations, {
    team: "a",
    "deployment.kubernetes.io/revision": "1",
    "deployment.kubernetes.io/desired-replicas": "10",
    "deployment.kubernetes.io/max-replicas": "13",
  });
  assert.equal(statusOf(first)!.metadata.annotations!["deployment.kubernetes.io/revision"], "1");

  const back = [replicaSet(of, "new", { replicas: 0, revision: 1 }), replicaSet(of, 1, { replicas: 10, revision: 4 })];
  const update = plan(of, back).find((action) => action.do === "updateSet" && action.set.metadata.uid === "rs-new")!;
  assert(update.do === "updateSet");
  assert.equal(update.set.metadata.annotations!["deployment.kubernetes.io/revision"], "5");
  assert.equal(update.set.metadata.annotations!["deployment.kubernetes.io/revision-history"], "1");
});

Deno.test("planDeployment() names a set for its template, and takes another name when that one is taken", () => {
  const of = deployment();
  const [create] = plan(of, []);
  assert(create?.do === "createSet");
  const hash = templateHash(of.spec.template, undefined);
  assert.match(hash, /^[bcdfghjklmnpqrstvwxz2456789]{6,10}$/);
  assert.equal(create.set.metadata.name, `web-${hash}`);
  assert.equal(create.set.spec.selector.matchLabels!["pod-template-hash"], hash);
  assert.notEqual(templateHash(of.spec.template, 1), hash);
  const foreign = { ...create.set, metadata: { ...create.set.metadata, ownerReferences: [] } };
  const actions = plan(of, [], { named: () => foreign as unknown as ReplicaSet });
  assert.deepEqual(actions.map((action) => action.do), ["updateStatus"]);
  assert.equal(statusOf(actions)!.status.collisionCount, 1);
});

Deno.test("safeEncode() makes names without vowels", () => {
  assert.equal(safeEncode("0123456789"), "456789bcdf");
});

Deno.test("planDeployment() keeps revisionHistoryLimit old sets, and only removes empty ones", () => {
  const wish: Wish = { spec: { revisionHistoryLimit: 1 }, annotations: { "deployment.kubernetes.io/revision": "9" } };
  let of = deployment(wish);
  const sets = [replicaSet(of, "new", { replicas: 10 }), ...[1, 2, 3].map((n) => replicaSet(of, n, { replicas: 0 }))];
  of = statusOf(plan(of, sets))!;
  const deleted = (actions: readonly DeploymentAction[]) =>
    actions.filter((action) => action.do === "deleteSet").map((action) =>
      action.do === "deleteSet" && action.set.metadata.uid
    );
  assert.deepEqual(deleted(plan(of, sets)), ["rs-3", "rs-2"]);
  const busy = [...sets.slice(0, 3), replicaSet(of, 3, { replicas: 0, pods: 1 })];
  assert(!deleted(plan(of, busy)).includes("rs-3"));
});

Deno.test("planDeployment() refuses a selector that selects all, and only reports while it is being deleted", () => {
  const all = deployment({ spec: { selector: {} } });
  assert.deepEqual(plan(all, []).map((action) => action.do), ["warn", "updateStatus"]);
  const deleting = deployment({ deleting: true });
  assert.deepEqual(plan(deleting, []).map((action) => action.do), ["updateStatus"]);
});
