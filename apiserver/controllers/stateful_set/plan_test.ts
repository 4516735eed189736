import assert from "assert";
import type {
  ControllerRevision,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetStatus,
} from "../../../lib/types/apps_v1.ts";
import type { PersistentVolumeClaim, Pod } from "../../../lib/types/core_v1.ts";
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import { templatePatch } from "../revisions.ts";
import { newPod } from "./identity.ts";
import { planStatefulSet, type StatefulAction, type StatefulView } from "./plan.ts";
import type { WakeAt } from "../../../lib/controller/controller.ts";

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace(".000", "");
const meta = (name: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: at(-100),
});
const template = (image: string) => ({
  metadata: { labels: { app: "s" } },
  spec: { containers: [{ name: "c", image }] },
});

interface Wish {
  spec?: Partial<StatefulSetSpec>;
  status?: Partial<StatefulSetStatus>;
  pods?: string[];
  revisions?: ControllerRevision[];
  claims?: PersistentVolumeClaim[];
  deleting?: true;
}

const rolling = (partition: number, maxUnavailable: number | string = 1) => ({
  updateStrategy: { type: "RollingUpdate" as const, rollingUpdate: { partition, maxUnavailable } },
});

function statefulSet({ spec, status, deleting }: Wish): StatefulSet {
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { ...meta("s"), generation: 1, deletionTimestamp: deleting ? at(0) : undefined },
    spec: {
      replicas: 3,
      serviceName: "svc",
      selector: { matchLabels: { app: "s" } },
      template: template("s:new"),
      podManagementPolicy: "OrderedReady",
      revisionHistoryLimit: 1,
      ...rolling(0),
      ...spec,
    },
    status: { replicas: 0, currentRevision: "s-old", updateRevision: "s-new", ...status },
  } as StatefulSet;
}

const revision = (name: string, number: number) => ({
  apiVersion: "apps/v1",
  kind: "ControllerRevision",
  metadata: { ...meta(`s-${name}`), labels: { app: "s" } },
  data: templatePatch(template(`s:${name}`)),
  revision: number,
} as ControllerRevision);

const both = [revision("old", 1), revision("new", 2)];

/** `0 new ready`: also `old`, `lost` (a revision that was given up), `starting`, `crashing`, `deleting`, `failed`, `pending`. */
function pod(text: string): Pod {
  const [ordinal, ...words] = text.split(" ");
  const has = (word: string) => words.includes(word);
  const phase = has("failed") ? "Failed" : has("pending") ? "Pending" : "Running";
  const name = `s-${ordinal}`;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...meta(name),
      labels: {
        app: "s",
        "controller-revision-hash": `s-${words[0]}`,
        "statefulset.kubernetes.io/pod-name": has("unnamed") ? "?" : name,
      },
      deletionTimestamp: has("deleting") ? at(9) : undefined,
    },
    spec: { containers: [] },
    status: {
      phase,
      conditions: has("ready") ? [{ type: "Ready", status: "True", lastTransitionTime: at(-5) }] : [],
      containerStatuses: has("crashing")
        ? [{ name: "c", state: { waiting: { reason: "CrashLoopBackOff" } }, restartCount: 3 } as never]
        : [],
    },
  } as Pod;
}

function viewOf(wish: Wish): StatefulView {
  const revisions = wish.revisions ?? both;
  return {
    set: statefulSet(wish),
    pods: { mine: (wish.pods ?? []).map(pod), adopt: [], release: [] },
    revisions: { mine: revisions, adopt: [], release: [] },
    named: (name) => revisions.find(({ metadata }) => metadata.name === name),
    claim: (name) => wish.claims?.find(({ metadata }) => metadata.name === name),
  };
}

function textOf(action: StatefulAction | WakeAt): string {
  switch (action.do) {
    case "createPods":
      return `create ${
        action.pods.map(({ pod, claims }) =>
          [pod.metadata.name, pod.metadata.labels!["controller-revision-hash"], ...claims.map((c) => c.metadata.name)]
            .join(":")
        ).join(" ")
      }`;
    case "deletePods":
      return `delete ${action.pods.map(({ metadata }) => metadata.name).join(" ")}`;
    case "createRevision":
    case "updateRevision":
      return `${action.do} ${action.revision.revision}`;
    case "deleteRevision":
      return `deleteRevision ${action.revision.metadata.name}`;
    case "updateStatus": {
      const s = action.status;
      return `status ${s.replicas} ${s.readyReplicas ?? 0}r ${s.availableReplicas}a ${s.currentReplicas ?? 0}c ` +
        `${s.updatedReplicas ?? 0}u ${s.currentRevision}`;
    }
    case "createClaims":
      return `claims ${action.claims.map(({ metadata }) => metadata.name).join(" ")}`;
    case "updateClaim":
      return `own ${action.claim.metadata.name} ${
        (action.claim.metadata.ownerReferences ?? []).map(({ kind, name }) => `${kind}/${name}`)
      }`;
    case "wakeAt":
      return `wake +${(action.at - now) / 1000}`;
    default:
      return action.do;
  }
}

const planned = (wish: Wish) => planStatefulSet(viewOf(wish), now).map(textOf);
const done = (wish: Wish) => planned(wish).filter((text) => !text.startsWith("status"));

function check(name: string, table: [why: string, wish: Wish, expected: string[]][]): void {
  Deno.test(`planStatefulSet() ${name}`, () => {
    for (const [why, wish, expected] of table) assert.deepEqual(done(wish), expected, why);
  });
}

const parallel = { podManagementPolicy: "Parallel" as const };
const ready = (count: number, revision = "new") => Array.from({ length: count }, (_, i) => `${i} ${revision} ready`);

check("creates pods one after another", [
  ["the first", {}, ["create s-0:s-new"]],
  ["the next waits for it", { pods: ["0 new"] }, []],
  ["until it is ready", { pods: ["0 new ready"] }, ["create s-1:s-new"]],
  ["and available", { spec: { minReadySeconds: 30 }, pods: ["0 new ready"] }, ["wake +25"]],
  ["a hole is filled first", { pods: ["0 new ready", "2 new ready"] }, ["create s-1:s-new"]],
  ["a deleted one is waited for", { pods: ["0 new ready deleting", "1 new ready"] }, []],
  ["one that ended is replaced", { pods: ["0 new failed"] }, ["delete s-0"]],
  ["and waited for", { pods: ["0 new failed deleting"] }, []],
  ["ordinals may start elsewhere", { spec: { ordinals: { start: 5 } }, pods: ["5 new ready"] }, ["create s-6:s-new"]],
  ["all at once where they may", { spec: parallel, pods: ["1 new"] }, ["create s-0:s-new s-2:s-new"]],
  ["labels of a place are mended", { spec: { replicas: 1 }, pods: ["0 new ready unnamed"] }, ["updatePod"]],
  ["nothing while it is being deleted", { deleting: true }, []],
]);

check("removes pods from the highest number down", [
  ["the last", { spec: { replicas: 1 }, pods: ready(3) }, ["delete s-2"]],
  ["the next waits for its end", { spec: { replicas: 1 }, pods: [...ready(2), "2 new ready deleting"] }, []],
  ["not while another is unwell", { spec: { replicas: 1 }, pods: ["0 new", "1 new ready", "2 new ready"] }, []],
  ["an unwell one of them waits for the others", {
    spec: { replicas: 1 },
    pods: ["0 new ready", "1 new", "2 new"],
  }, []],
  ["unless it is the only one", { spec: { replicas: 1 }, pods: [...ready(2), "2 new"] }, ["delete s-2"]],
  ["all at once where they may", { spec: { ...parallel, replicas: 1 }, pods: ["0 new", "1 new", "2 new ready"] }, [
    "delete s-2 s-1",
  ]],
  ["a changed start moves the window", { spec: { replicas: 2, ordinals: { start: 1 } }, pods: ready(3) }, [
    "delete s-0",
  ]],
]);

check("updates from the highest number down", [
  ["the last", { pods: ready(3, "old") }, ["delete s-2"]],
  ["waits for it", { pods: [...ready(2, "old"), "2 new"] }, []],
  ["then the next", { pods: [...ready(2, "old"), "2 new ready"] }, ["delete s-1"]],
  ["down to the partition", { spec: rolling(2), pods: [...ready(2, "old"), "2 new ready"] }, []],
  ["below it pods come back as they were", { spec: rolling(2), pods: ["1 old ready", "2 new ready"] }, [
    "create s-0:s-old",
  ]],
  ["above it as they shall be", { spec: rolling(1), pods: ["0 old ready"] }, ["create s-1:s-new"]],
  ["several may be missing", { spec: rolling(0, 2), pods: ready(3, "old") }, ["delete s-2 s-1"]],
  ["a share of them, at least one", { spec: rolling(0, "50%"), pods: ready(3, "old") }, ["delete s-2"]],
  ["those that are missing already count", {
    spec: { ...parallel, ...rolling(0, 2) },
    pods: [
      ...ready(2, "old"),
      "2 new",
    ],
  }, ["delete s-1"]],
  ["not by itself with OnDelete", { spec: { updateStrategy: { type: "OnDelete" } }, pods: ready(3, "old") }, []],
  ["a deleted one comes back new with OnDelete", {
    spec: { updateStrategy: { type: "OnDelete" } },
    pods: [
      "0 old ready",
    ],
  }, ["create s-1:s-new"]],
]);

const given = [revision("old", 1), revision("lost", 2), revision("new", 3)];

check("heals a broken rollout when its template is mended", [
  ["a pod of a revision that was given up goes", { revisions: given, pods: [...ready(2, "old"), "2 lost crashing"] }, [
    "delete s-2",
  ]],
  ["also while it is only starting", { revisions: given, pods: [...ready(2, "old"), "2 lost starting"] }, [
    "delete s-2",
  ]],
  ["the very first that never ran goes", { pods: ["0 old crashing"] }, ["delete s-0"]],
  ["one that may still come is waited for", { pods: ["0 old starting"] }, []],
  ["below the partition nothing is mended", { spec: rolling(3), pods: ["0 old crashing"] }, []],
  ["the new revision is waited for", { pods: [...ready(2, "old"), "2 new crashing"] }, []],
]);

check("keeps its history", [
  ["the first", { revisions: [], deleting: true }, ["createRevision 1"]],
  ["going back makes it the newest", {
    revisions: [revision("new", 1), revision("old", 2)],
    status: { currentRevision: "s-old" },
    pods: ready(3),
  }, ["updateRevision 3"]],
  ["one old one is kept", {
    revisions: [revision("a", 1), revision("b", 2), revision("old", 3), revision("new", 4)],
    status: { currentRevision: "s-new" },
    pods: ready(3),
  }, ["deleteRevision s-a", "deleteRevision s-b"]],
]);

Deno.test("planStatefulSet() tells what is, and when a rollout is complete", () => {
  const table: [Wish, string][] = [
    [{ pods: ["0 old ready", "1 old", "2 new ready"] }, "status 3 2r 2a 2c 1u s-old"],
    [{ pods: ready(3) }, "status 3 3r 3a 3c 3u s-new"],
    [{ pods: [...ready(2), "2 new"] }, "status 3 2r 2a 0c 3u s-old"],
    [{ pods: [...ready(3), "3 new ready"] }, "status 4 4r 4a 0c 4u s-old"],
    [{ pods: [...ready(2), "2 new ready deleting"] }, "status 3 3r 3a 0c 2u s-old"],
  ];
  for (const [wish, expected] of table) assert.equal(planned(wish)[0], expected);
});

const withClaims = (whenScaled: "Delete" | "Retain", whenDeleted: "Delete" | "Retain") => ({
  volumeClaimTemplates: [{ metadata: { name: "data" }, spec: {} }] as never,
  persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
});
const setOwner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "s", uid: "s", controller: true };
const podOwner = (name: string, uid = name) => ({ apiVersion: "v1", kind: "Pod", name, uid, controller: true });
const claim = (ordinal: number, ...ownerReferences: OwnerReference[]) =>
  ({ metadata: { ...meta(`data-s-${ordinal}`), ownerReferences } }) as PersistentVolumeClaim;

check("makes claims, and says with whom they go", [
  ["a claim comes before its pod", { spec: withClaims("Retain", "Retain") }, ["create s-0:s-new:data-s-0"]],
  ["one that is there is used again", { spec: withClaims("Retain", "Retain"), claims: [claim(0)] }, [
    "create s-0:s-new",
  ]],
  ["a pending pod gets its back", { spec: withClaims("Retain", "Retain"), pods: ["0 new pending"] }, [
    "claims data-s-0",
  ]],
  ["the set's", { spec: { ...withClaims("Retain", "Delete"), replicas: 1 }, pods: ready(1), claims: [claim(0)] }, [
    "own data-s-0 StatefulSet/s",
  ]],
  ["nobody's any more", {
    spec: { ...withClaims("Retain", "Retain"), replicas: 1 },
    pods: ready(1),
    claims: [claim(0, setOwner)],
  }, ["own data-s-0 "]],
  ["a pod that is scaled away takes it along", {
    spec: { ...withClaims("Delete", "Delete"), replicas: 1 },
    pods: ready(2),
    claims: [claim(0, setOwner), claim(1, setOwner)],
  }, ["own data-s-1 Pod/s-1", "delete s-1"]],
  ["and gives it back when it is wanted again", {
    spec: { ...withClaims("Delete", "Retain"), replicas: 1 },
    pods: ready(1),
    claims: [claim(0, podOwner("s-0"))],
  }, ["own data-s-0 "]],
  ["somebody else's stays so", {
    spec: { ...withClaims("Delete", "Delete"), replicas: 1 },
    pods: ready(1),
    claims: [claim(0, { ...setOwner, name: "other", uid: "other" })],
  }, []],
  ["one that is about to be collected is not used", {
    spec: withClaims("Delete", "Retain"),
    claims: [claim(0, podOwner("s-0", "gone"))],
  }, []],
]);

Deno.test("newPod() gives a pod its name, its labels, its host name and its claims", () => {
  const set = statefulSet({ spec: withClaims("Retain", "Retain") });
  const { metadata, spec } = newPod(set, 4, both[1]!);
  assert.equal(metadata.name, "s-4");
  assert.equal(metadata.generateName, undefined);
  assert.deepEqual(metadata.labels, {
    app: "s",
    "statefulset.kubernetes.io/pod-name": "s-4",
    "apps.kubernetes.io/pod-index": "4",
    "controller-revision-hash": "s-new",
  });
  assert.deepEqual([spec.hostname, spec.subdomain], ["s-4", "svc"]);
  assert.deepEqual(spec.volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-s-4" } }]);
  assert.equal(newPod(set, 0, both[0]!).spec.containers[0]!.image, "s:old");
});

Deno.test("planStatefulSet() goes on where another revision has its revision's name", () => {
  const [first] = planStatefulSet(viewOf({ revisions: [] }), now);
  assert(first?.do === "createRevision");
  const { name } = first.revision.metadata;
  const taken = { ...viewOf({ revisions: [] }), named: (other: string) => other === name ? both[0] : undefined };
  const [second, status] = planStatefulSet(taken, now);
  assert(second?.do === "createRevision" && status?.do === "updateStatus");
  assert.notEqual(second.revision.metadata.name, name);
  assert.equal(status.status.collisionCount, 1);
});
