import assert from "assert";
import { created, createErrors, header, isIdempotent, row, statusErrors, updateErrors } from "../meta/kind_scene.ts";
import { validateClaimTemplate } from "./claim_spec.ts";
import { persistentVolumeClaim } from "./persistent_volume_claim.ts";

type Spec = Record<string, unknown>;

const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
const classKey = "volume.beta.kubernetes.io/storage-class";

Deno.test("persistentVolumeClaim begins pending and names its source of data in both ways", () => {
  const source = { kind: "PersistentVolumeClaim", name: "other" };
  const object = created(persistentVolumeClaim, { spec: { ...spec, dataSource: source } });
  assert.deepEqual([object.status, object.spec.volumeMode], [{ phase: "Pending" }, "Filesystem"]);
  assert.deepEqual(object.spec.dataSourceRef, source);
  const other = created(persistentVolumeClaim, { spec: { ...spec, dataSourceRef: source } });
  assert.deepEqual(other.spec.dataSource, source);
  const foreign = created(persistentVolumeClaim, { spec: { ...spec, dataSourceRef: { ...source, namespace: "n" } } });
  assert.deepEqual([foreign.spec.dataSource, foreign.spec.dataSourceRef], [undefined, undefined]);
  assert.ok(isIdempotent(persistentVolumeClaim, { spec }));
});

Deno.test("persistentVolumeClaim says all that is wrong", () => {
  const table: [Spec, string[]][] = [
    [spec, []],
    [{ ...spec, storageClassName: "", volumeAttributesClassName: "" }, []],
    [{}, [
      "spec.accessModes: Required value: at least 1 access mode is required",
      "spec.resources[storage]: Required value",
    ]],
    [{ ...spec, resources: { requests: { storage: "0" } }, volumeMode: "Tape" }, [
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ]],
    [{ ...spec, dataSource: { kind: "Image", name: "" } }, [
      "spec.dataSource.name: Required value",
      "spec.dataSource: Invalid value: \"Image\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
      "spec.dataSourceRef.name: Required value",
      "spec.dataSourceRef: Invalid value: \"Image\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
    ]],
    [{
      ...spec,
      dataSource: { kind: "PersistentVolumeClaim", name: "a" },
      dataSourceRef: { kind: "PersistentVolumeClaim", name: "b" },
    }, [
      'spec: Invalid value: "spec.dataSource": must match dataSourceRef',
    ]],
    [{ ...spec, selector: { matchExpressions: [{ key: "a", operator: "Odd" }] } }, [
      'spec.selector.matchExpressions[0].operator: Invalid value: "Odd": not a valid selector operator',
    ]],
  ];
  for (const [given, expected] of table) {
    assert.deepEqual(createErrors(persistentVolumeClaim, { spec: given }), expected);
  }
});

Deno.test("persistentVolumeClaim changes its size and attributes only, and once it is bound", () => {
  const pending = created(persistentVolumeClaim, { spec });
  const bound = structuredClone(pending);
  Object.assign(bound.spec, { volumeName: "pv", storageClassName: "fast", volumeAttributesClassName: "gold" });
  bound.status = { phase: "Bound", capacity: { storage: "1Gi" } };
  const grow = (storage: string) => ({ resources: { requests: { storage } } });
  const immutable = "spec: Forbidden: spec is immutable after creation except resources.requests and " +
    "volumeAttributesClassName for bound claims\n  ";
  const table: [typeof bound, Spec, string[]][] = [
    [pending, { volumeName: "pv" }, []],
    [pending, { storageClassName: "fast" }, []],
    [pending, grow("2Gi"), [`${immutable}spec.resources.requests.storage: "1Gi" -> "2Gi"`]],
    [bound, grow("2Gi"), []],
    [bound, grow("512Mi"), ["spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"]],
    [bound, { volumeName: "other" }, [`${immutable}spec.volumeName: "pv" -> "other"`]],
    [bound, { storageClassName: "slow" }, [`${immutable}spec.storageClassName: "fast" -> "slow"`]],
    [bound, { volumeMode: "Block" }, [
      `${immutable}spec.volumeMode: "Filesystem" -> "Block"`,
      'volumeMode: Invalid value: "Block": field is immutable',
    ]],
    [bound, { volumeAttributesClassName: "silver" }, []],
    [bound, { volumeAttributesClassName: "" }, [
      "spec.volumeAttributesClassName: Forbidden: update from non-nil value to an empty string is forbidden",
    ]],
  ];
  for (const [old, change, expected] of table) {
    assert.deepEqual(updateErrors(persistentVolumeClaim, old, (claim) => Object.assign(claim.spec, change)), expected);
  }
  // What was asked for in vain may be taken back.
  bound.spec.resources = { requests: { storage: "3Gi" } };
  assert.deepEqual(updateErrors(persistentVolumeClaim, bound, (claim) => Object.assign(claim.spec, grow("2Gi"))), []);
});

Deno.test("persistentVolumeClaim may say in the field what its annotation said", () => {
  const old = created(persistentVolumeClaim, { metadata: { annotations: { [classKey]: "fast" } }, spec });
  const change = (name: string, annotation: string) =>
    updateErrors(persistentVolumeClaim, old, (claim) => {
      claim.spec.storageClassName = name;
      claim.metadata.annotations = { [classKey]: annotation };
    });
  assert.deepEqual(change("fast", "fast"), []);
  assert.deepEqual(change("fast", "slow"), [
    `metadata.annotations.${classKey}: Invalid value: "slow": field is immutable`,
  ]);
  assert.equal(change("slow", "fast").length, 1);
});

Deno.test("persistentVolumeClaim's status has storage and no other resource of Kubernetes'", () => {
  const old = created(persistentVolumeClaim, { spec });
  const errors = statusErrors(persistentVolumeClaim, old, ({ status }) => {
    status.capacity = { storage: "-1" };
    Object.assign(status, { allocatedResourceStatuses: { cpu: "Odd" } });
    status.allocatedResources = { memory: "1", storage: "1Gi" };
  });
  assert.deepEqual(errors, [
    'status.capacity[storage]: Invalid value: "-1": must be a valid resource quantity',
    'status.allocatedResourceStatus: Unsupported value: "cpu": supported values: "storage"',
    'status.allocatedResourceStatus: Unsupported value: "cpu": supported values: "ControllerResizeInProgress", ' +
    '"ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
    'status.allocatedResources: Unsupported value: "memory": supported values: "storage"',
  ]);
});

Deno.test("validateClaimTemplate() wants a spec, and no metadata but labels and annotations", () => {
  const template = { metadata: { name: "a", labels: { a: "b" } }, spec: {} };
  assert.deepEqual(validateClaimTemplate(template, "t").map(({ field }) => field), [
    "t.metadata.name",
    "t.spec.accessModes",
    "t.spec.resources[storage]",
  ]);
});

Deno.test("persistentVolumeClaim columns are kubectl's", () => {
  assert.equal(
    header(persistentVolumeClaim),
    "Name, Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode*",
  );
  const claim = created(persistentVolumeClaim, { spec });
  assert.equal(row(persistentVolumeClaim, claim), "web Pending     <unset> 0s | Filesystem");
  Object.assign(claim.spec, { volumeName: "pv", storageClassName: "fast" });
  claim.status = { phase: "Bound", capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOncePod"] };
  assert.equal(row(persistentVolumeClaim, claim), "web Bound pv 2Gi RWOP fast <unset> 0s | Filesystem");
});
