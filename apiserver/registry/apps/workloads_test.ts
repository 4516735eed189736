import assert from "assert";
import type { KubeObject } from "../../../lib/kind.ts";
import type { Resource } from "../../rest/resource.ts";
import { replicationController } from "../core/replication_controller.ts";
import { podTemplate } from "../core/pod_template_resource.ts";
import {
  created,
  createErrors,
  defaulted,
  header,
  isIdempotent,
  row,
  statusErrors,
  updated,
  updateErrors,
} from "../meta/kind_scene.ts";
import { controllerRevision } from "./controller_revision.ts";
import { daemonSet, templateGenerationAnnotation } from "./daemon_set.ts";
import { deployment } from "./deployment.ts";
import { replicaSet } from "./replica_set.ts";
import { statefulSet } from "./stateful_set.ts";

// deno-lint-ignore no-explicit-any -- one table for several kinds
type Any = any;
const kinds: Record<string, Resource<Any>> = { deployment, replicaSet, statefulSet, daemonSet };

const template = (spec: Record<string, unknown> = {}) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "a", image: "nginx:1" }, { name: "b", image: "redis:7" }], ...spec },
});
const valid = (more: Record<string, unknown> = {}) => ({
  spec: { selector: { matchLabels: { app: "web" } }, template: template(), ...more },
});

/** The spec without its template. */
function defaultsOf(resource: Resource<Any>, given: Any): unknown {
  const { template: _, ...spec } = (defaulted(resource, given) as Any).spec;
  return spec;
}

const selector = { matchLabels: { app: "web" } };

Deno.test("workloads have Kubernetes' defaults", () => {
  const table: [Resource<Any>, Any, unknown][] = [
    [deployment, valid(), {
      selector,
      replicas: 1,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    }],
    [deployment, valid({ strategy: { type: "Recreate" }, replicas: 0 }), {
      selector,
      replicas: 0,
      strategy: { type: "Recreate" },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
    }],
    [replicaSet, valid(), { selector, replicas: 1 }],
    [statefulSet, valid(), {
      selector,
      replicas: 1,
      podManagementPolicy: "OrderedReady",
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0, maxUnavailable: 1 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      revisionHistoryLimit: 10,
    }],
    [daemonSet, valid(), {
      selector,
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
    }],
    [daemonSet, valid({ updateStrategy: { type: "OnDelete" } }), {
      selector,
      updateStrategy: { type: "OnDelete" },
      revisionHistoryLimit: 10,
    }],
    [replicationController, { spec: { template: template() } }, { selector: { app: "web" }, replicas: 1 }],
  ];
  for (const [resource, given, expected] of table) {
    assert.deepEqual(defaultsOf(resource, given), expected, resource.kind);
    for (const other of [given, {}, { spec: {} }]) assert.ok(isIdempotent(resource, other), resource.kind);
  }
  const controller = defaulted<Any>(replicationController, { spec: { template: template() } });
  assert.deepEqual(controller.metadata.labels, { app: "web" });
  assert.equal(defaulted<Any>(deployment, valid()).spec.template.spec.restartPolicy, "Always");
});

Deno.test("workloads that are right have no errors, and status of their own", () => {
  for (const resource of Object.values(kinds)) {
    assert.deepEqual(createErrors(resource, valid()), [], resource.kind);
    assert.equal(created(resource, valid()).metadata.generation, 1, resource.kind);
  }
  assert.deepEqual(created<Any>(replicaSet, valid()).status, { replicas: 0 });
  assert.deepEqual(created<Any>(deployment, { ...valid(), status: { replicas: 3 } }).status, {});
});

const mismatch = (labels: string) =>
  `spec.template.metadata.labels: Invalid value: ${labels}: \`selector\` does not match template \`labels\``;

Deno.test("workloads without a proper selector are refused", () => {
  const empty = (name: string) => `spec.selector: Invalid value: {}: empty selector is invalid for ${name}`;
  const missing = ["spec.selector: Required value", mismatch('{"app":"web"}')];
  const table: [string, Any, string[]][] = [
    ["deployment", undefined, missing],
    ["replicaSet", undefined, missing],
    ["statefulSet", undefined, missing],
    ["daemonSet", undefined, missing.slice(1)],
    ["deployment", {}, [empty("deployment")]],
    ["replicaSet", {}, [empty("deployment")]],
    ["statefulSet", {}, [empty("statefulset")]],
    ["daemonSet", {}, [empty("daemonset")]],
  ];
  for (const [name, given, expected] of table) {
    assert.deepEqual(createErrors(kinds[name]!, valid({ selector: given })), expected, name);
  }
  for (const [name, resource] of Object.entries(kinds)) {
    const other = createErrors(resource, valid({ selector: { matchLabels: { app: "db" } } }));
    assert.deepEqual(other, [mismatch('{"app":"web"}')], name);
    const unlabelled = { ...template(), metadata: {} };
    assert.deepEqual(createErrors(resource, valid({ template: unlabelled })), [mismatch("null")], name);
  }
});

Deno.test("workloads run pods that last", () => {
  const spec = (kind: string) => [
    'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    `spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ${kind} is not Supported`,
  ];
  const names = {
    deployment: "ReplicaSet",
    replicaSet: "ReplicaSet",
    statefulSet: "StatefulSet",
    daemonSet: "DaemonSet",
  };
  const ending = template({ restartPolicy: "Never", activeDeadlineSeconds: 5 });
  for (const [name, kind] of Object.entries(names)) {
    assert.deepEqual(createErrors(kinds[name]!, valid({ template: ending })), spec(kind), name);
  }
  const given = { spec: { template: ending } };
  assert.deepEqual(createErrors(replicationController, given), spec("ReplicationController"));
});

Deno.test("deployments are validated as in Kubernetes", () => {
  const rolling = (rollingUpdate: Any) => ({ strategy: { type: "RollingUpdate", rollingUpdate } });
  const path = "spec.strategy.rollingUpdate";
  const percent = "a valid percent string must be a numeric string followed by an ending '%' " +
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
  const table: [Any, string[]][] = [
    [{ replicas: -1 }, ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"]],
    [{ minReadySeconds: -1, revisionHistoryLimit: -2 }, [
      "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
      "spec.revisionHistoryLimit: Invalid value: -2: must be greater than or equal to 0",
    ]],
    [{ minReadySeconds: 600 }, [
      "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
    ]],
    [rolling({ maxSurge: 0, maxUnavailable: 0 }), [
      `${path}.maxUnavailable: Invalid value: 0: may not be 0 when \`maxSurge\` is 0`,
    ]],
    [rolling({ maxSurge: "0%", maxUnavailable: "0%" }), [
      `${path}.maxUnavailable: Invalid value: "0%": may not be 0 when \`maxSurge\` is 0`,
    ]],
    [rolling({ maxUnavailable: "101%", maxSurge: "200%" }), [
      `${path}.maxUnavailable: Invalid value: "101%": must not be greater than 100%`,
    ]],
    [rolling({ maxUnavailable: "x", maxSurge: -1 }), [
      `${path}.maxUnavailable: Invalid value: "x": ${percent}`,
      `${path}.maxSurge: Invalid value: -1: must be greater than or equal to 0`,
    ]],
    [{ strategy: { type: "Recreate", rollingUpdate: {} } }, [
      `${path}: Forbidden: may not be specified when strategy \`type\` is 'Recreate'`,
    ]],
    [{ strategy: { type: "Blue" } }, [
      'spec.strategy: Unsupported value: {"type":"Blue"}: supported values: "Recreate", "RollingUpdate"',
    ]],
  ];
  for (const [more, expected] of table) {
    assert.deepEqual(createErrors(deployment, valid(more)), expected, JSON.stringify(more));
  }
});

Deno.test("stateful sets are validated as in Kubernetes", () => {
  const claim = (spec: Any = {}) => ({
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  });
  const retention = "spec.persistentVolumeClaimRetentionPolicy";
  const rolling = "spec.updateStrategy.rollingUpdate";
  const table: [Any, string[]][] = [
    [{ podManagementPolicy: "Random" }, [
      "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
    ]],
    [{ updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } }, [
      `${rolling}: Invalid value: {"partition":1}: only allowed for updateStrategy 'RollingUpdate'`,
    ]],
    [{ updateStrategy: { type: "Blue" } }, [
      "spec.updateStrategy: Invalid value: {\"type\":\"Blue\"}: must be 'RollingUpdate' or 'OnDelete'",
    ]],
    [{ updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: -1, maxUnavailable: 0 } } }, [
      `${rolling}.partition: Invalid value: -1: must be greater than or equal to 0`,
      `${rolling}.maxUnavailable: Invalid value: 0: cannot be 0`,
    ]],
    [{ persistentVolumeClaimRetentionPolicy: { whenDeleted: "Keep" } }, [
      `${retention}.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"`,
    ]],
    [{ ordinals: { start: -1 }, replicas: -1 }, [
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
    ]],
    [{ volumeClaimTemplates: [claim()] }, []],
    [{ volumeClaimTemplates: [claim(), claim({ accessModes: [], resources: {} })] }, [
      'spec.volumeClaimTemplates[1].metadata.name: Duplicate value: "data"',
      "spec.volumeClaimTemplates[1].spec.accessModes: Required value: at least 1 access mode is required",
      "spec.volumeClaimTemplates[1].spec.resources[storage]: Required value",
    ]],
  ];
  for (const [more, expected] of table) {
    assert.deepEqual(createErrors(statefulSet, valid(more)), expected, JSON.stringify(more));
  }
  const [made] = defaulted<Any>(statefulSet, valid({ volumeClaimTemplates: [claim()] })).spec.volumeClaimTemplates;
  assert.deepEqual([made.apiVersion, made.kind, made.spec.volumeMode, made.status], [
    "v1",
    "PersistentVolumeClaim",
    "Filesystem",
    { phase: "Pending" },
  ]);
  assert.match(createErrors(statefulSet, valid({ serviceName: "A" }))[0]!, /^spec\.serviceName: Invalid value: "A"/);
});

Deno.test("daemon sets are validated as in Kubernetes", () => {
  const rolling = (rollingUpdate: Any) => ({ updateStrategy: { type: "RollingUpdate", rollingUpdate } });
  const path = "spec.updateStrategy.rollingUpdate";
  const table: [Any, string[]][] = [
    [rolling({ maxUnavailable: 1, maxSurge: 1 }), [
      `${path}.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero`,
    ]],
    [rolling({ maxUnavailable: 0 }), [`${path}.maxUnavailable: Required value: cannot be 0 when maxSurge is 0`]],
    [rolling({ maxUnavailable: 0, maxSurge: "101%" }), [
      `${path}.maxSurge: Invalid value: "101%": must not be greater than 100%`,
    ]],
    [{ updateStrategy: { type: "Blue" } }, [
      'spec.updateStrategy: Unsupported value: {"type":"Blue"}: supported values: "RollingUpdate", "OnDelete"',
    ]],
  ];
  for (const [more, expected] of table) {
    assert.deepEqual(createErrors(daemonSet, valid(more)), expected, JSON.stringify(more));
  }
});

Deno.test("selectors stay, and of a stateful set nearly everything", () => {
  const other = { matchLabels: { app: "web", tier: "front" } };
  const change = (object: Any) => {
    object.spec.selector = other;
    object.spec.template.metadata.labels = other.matchLabels;
  };
  const immutable = `spec.selector: Invalid value: ${JSON.stringify(other)}: field is immutable`;
  for (const resource of [deployment, replicaSet, daemonSet] as Resource<Any>[]) {
    assert.deepEqual(updateErrors(resource, created(resource, valid()), change), [immutable], resource.kind);
  }
  const forbidden = "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', " +
    "'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and " +
    "'minReadySeconds' are forbidden";
  const set = created<Any>(statefulSet, valid());
  assert.deepEqual(updateErrors<Any>(statefulSet, set, change), [forbidden]);
  assert.deepEqual(updateErrors<Any>(statefulSet, set, (object) => object.spec.serviceName = "x"), [forbidden]);
  const allowed = (object: Any) => {
    Object.assign(object.spec, { replicas: 5, minReadySeconds: 3, revisionHistoryLimit: 1, ordinals: { start: 2 } });
    object.spec.template.spec.containers[0].image = "nginx:2";
    object.spec.updateStrategy = { type: "OnDelete" };
  };
  assert.deepEqual(updateErrors<Any>(statefulSet, set, allowed), []);
});

Deno.test("a deployment's generation counts annotations, a daemon set counts its templates", () => {
  const old = created<Any>(deployment, valid());
  assert.equal(updated<Any>(deployment, old, (it) => it.metadata.annotations = { a: "b" }).metadata.generation, 2);
  assert.equal(updated<Any>(deployment, old, (it) => it.metadata.labels = { a: "b" }).metadata.generation, 1);
  const count = (object: Any) => object.metadata.annotations[templateGenerationAnnotation];
  const set = created<Any>(daemonSet, valid());
  assert.equal(count(set), "1");
  const changed = updated<Any>(daemonSet, set, (it) => it.spec.template.spec.containers[0].image = "nginx:2");
  assert.equal(count(changed), "2");
  assert.equal(count(updated<Any>(daemonSet, changed, (it) => delete it.metadata.annotations)), "2");
});

Deno.test("statuses of workloads count what there is", () => {
  const more = (name: string, than = "status.replicas") =>
    `status.${name}: Invalid value: 2: cannot be greater than ${than}`;
  const table: [Resource<Any>, Any, string[]][] = [
    [deployment, { replicas: 1, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 }, [
      more("updatedReplicas"),
      more("readyReplicas"),
      more("availableReplicas"),
    ]],
    [deployment, { replicas: 2, readyReplicas: 1, availableReplicas: 2 }, [more("availableReplicas", "readyReplicas")]],
    [deployment, { collisionCount: 1 }, ["status.collisionCount: Invalid value: 1: cannot be decremented"]],
    [deployment, { collisionCount: undefined }, ["status.collisionCount: Invalid value: 0: cannot be decremented"]],
    [replicaSet, { observedGeneration: -1 }, [
      "status.observedGeneration: Invalid value: -1: must be greater than or equal to 0",
    ]],
    [replicaSet, { replicas: 1, fullyLabeledReplicas: 2 }, [more("fullyLabeledReplicas")]],
    [replicationController, { replicas: 1, readyReplicas: 2 }, [more("readyReplicas")]],
    [statefulSet, { replicas: 2, readyReplicas: 1, availableReplicas: 2 }, [
      more("availableReplicas", "status.readyReplicas"),
    ]],
    [daemonSet, { numberReady: -1 }, ["status.numberReady: Invalid value: -1: must be greater than or equal to 0"]],
  ];
  for (const [resource, status, expected] of table) {
    const old = created(resource, valid({ template: template() })) as Any;
    if ("collisionCount" in status) old.status.collisionCount = 2;
    const found = statusErrors<Any>(resource, old, (object) => Object.assign(object.status, status));
    assert.deepEqual(found, expected, `${resource.kind} ${JSON.stringify(status)}`);
  }
});

Deno.test("workloads are shown as by kubectl get -o wide", () => {
  const wide = "Containers*, Images*, Selector*";
  const replicas = `Name, Desired, Current, Ready, Age, ${wide}`;
  const images = "a,b nginx:1,redis:7";
  const table: [Resource<Any>, Any, string, string][] = [
    [
      deployment,
      { replicas: 3, readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
      `Name, Ready, Up-to-date, Available, Age, ${wide}`,
      `web 2/1 1 2 0s | ${images} app=web`,
    ],
    [replicaSet, { replicas: 3, readyReplicas: 2 }, replicas, `web 1 3 2 0s | ${images} app=web`],
    [replicationController, { replicas: 3, readyReplicas: 2 }, replicas, `web 1 3 2 0s | ${images} app=web`],
    [
      statefulSet,
      { replicas: 3, readyReplicas: 2 },
      "Name, Ready, Age, Containers*, Images*",
      `web 2/1 0s | ${images}`,
    ],
    [
      daemonSet,
      {
        desiredNumberScheduled: 5,
        currentNumberScheduled: 4,
        numberReady: 3,
        updatedNumberScheduled: 2,
        numberAvailable: 1,
      },
      `Name, Desired, Current, Ready, Up-to-date, Available, Node Selector, Age, ${wide}`,
      `web 5 4 3 2 1 disk=ssd,zone=a 0s | ${images} app=web`,
    ],
  ];
  for (const [resource, status, head, expected] of table) {
    const spec = resource === replicationController
      ? { selector: { app: "web" }, template: template() }
      : valid({ template: template({ nodeSelector: { zone: "a", disk: "ssd" } }) }).spec;
    const object = created(resource, { spec }) as Any;
    object.status = status;
    assert.equal(header(resource), head, resource.kind);
    assert.equal(row(resource, object), expected, resource.kind);
  }
  const given = { template: template() };
  assert.equal(header(podTemplate), "Name, Containers, Images, Pod Labels");
  assert.equal(row(podTemplate, created(podTemplate, given)), `web ${images} app=web |`);
});

Deno.test("workloads are scaled by their replicas", () => {
  for (const resource of [deployment, replicaSet, statefulSet, replicationController] as Resource<Any>[]) {
    const spec = resource === replicationController ? { selector: { app: "web" }, template: template() } : valid().spec;
    const object = created<Any>(resource, { spec });
    object.status.replicas = 4;
    resource.scale!.setReplicas(object, 7);
    const { scale } = resource;
    assert.deepEqual(
      [object.spec.replicas, scale!.replicas(object), scale!.statusReplicas(object), scale!.selector(object)],
      [7, 7, 4, "app=web"],
      resource.kind,
    );
  }
});

Deno.test("controller revisions keep their data", () => {
  const data = { spec: {} };
  const old = created(controllerRevision, { data, revision: 3 });
  assert.deepEqual(createErrors(controllerRevision, { data, revision: 3 }), []);
  assert.deepEqual(createErrors(controllerRevision, { revision: -1 }), [
    "revision: Invalid value: -1: must be greater than or equal to 0",
    "data: Required value: data is mandatory",
  ]);
  assert.deepEqual(createErrors(controllerRevision, { data: ["x"] as Any }), [
    "data: Required value: data must be a valid JSON object",
  ]);
  assert.deepEqual(updateErrors(controllerRevision, old, (object) => object.revision = 4), []);
  assert.deepEqual(updateErrors(controllerRevision, old, (object) => object.data = {}), [
    "data: Invalid value: {}: field is immutable",
  ]);
  const owner = { apiVersion: "apps/v1", kind: "StatefulSet", name: "db", uid: "u", controller: true };
  const owned: KubeObject = { ...old, metadata: { ...old.metadata, ownerReferences: [owner] } };
  assert.equal(row<Any>(controllerRevision, old), "web <none> 3 0s |");
  assert.equal(row<Any>(controllerRevision, owned), "web statefulset.apps/db 3 0s |");
});

Deno.test("a workload whose pods can't be named after it is warned about, once", () => {
  const object = created<Any>(deployment, { ...valid(), metadata: { name: "web.1" } });
  assert.match(deployment.warnings!(object, undefined)[0]!, /^metadata\.name: this is used in Pod names and hostnames/);
  assert.deepEqual(deployment.warnings!(object, object), []);
  const set = created<Any>(statefulSet, valid({ revisionHistoryLimit: -1 }));
  assert.deepEqual(statefulSet.warnings!(set, undefined), [
    "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended",
  ]);
});

Deno.test("a status that is not sent is an empty one", () => {
  for (const resource of [...Object.values(kinds), replicationController as Resource<Any>]) {
    const old = created<Any>(resource, valid());
    assert.deepEqual(statusErrors<Any>(resource, old, (object) => delete object.status), [], resource.kind);
  }
});
