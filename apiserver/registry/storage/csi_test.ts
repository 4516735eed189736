import assert from "assert";
import {
  created,
  createErrors,
  defaulted,
  header,
  isIdempotent,
  row,
  updated,
  updateErrors,
} from "../meta/kind_scene.ts";
import { csiDriver } from "./csi_driver.ts";
import { csiNode } from "./csi_node.ts";
import { csiStorageCapacity } from "./csi_storage_capacity.ts";

Deno.test("csiDriver has every answer, said or not", () => {
  assert.deepEqual(defaulted(csiDriver, {}).spec, {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: "ReadWriteOnceWithFSType",
    volumeLifecycleModes: ["Persistent"],
    requiresRepublish: false,
    seLinuxMount: false,
  });
  assert.ok(isIdempotent(csiDriver, { spec: { attachRequired: false } }));
});

Deno.test("csiDriver says all that is wrong", () => {
  const seconds = (expirationSeconds: number) => ({ tokenRequests: [{ audience: "a", expirationSeconds }] });
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [{ ...seconds(600), serviceAccountTokenInSecrets: true, nodeAllocatableUpdatePeriodSeconds: 10 }, []],
    [{ fsGroupPolicy: "All", volumeLifecycleModes: ["Ephemeral", "Short"] }, [
      'fsGroupPolicy: Unsupported value: "All": supported values: "File", "None", "ReadWriteOnceWithFSType"',
      'volumeLifecycleModes: Unsupported value: "Short": supported values: "Persistent", "Ephemeral"',
    ]],
    [seconds(599), [
      "tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes",
    ]],
    [seconds(2 ** 32 + 1), [
      "tokenRequests[0].expirationSeconds: Invalid value: 4294967297: " +
      "may not specify a duration larger than 2^32 seconds",
    ]],
    [{ tokenRequests: [{ audience: "" }, {}] }, ['tokenRequests[1].audience: Duplicate value: ""']],
    [{ serviceAccountTokenInSecrets: false, nodeAllocatableUpdatePeriodSeconds: 9 }, [
      "nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
      "serviceAccountTokenInSecrets: Invalid value: false: " +
      "serviceAccountTokenInSecrets is set but no tokenRequests are specified",
    ]],
  ];
  for (const [spec, expected] of table) {
    assert.deepEqual(createErrors(csiDriver, { spec }), expected.map((line) => `spec.${line}`));
  }
});

Deno.test("csiDriver counts its changes, and refuses two of them", () => {
  const old = created(csiDriver, {});
  assert.equal(updated(csiDriver, old, () => {}).metadata.generation, undefined);
  assert.equal(updated(csiDriver, old, (object) => object.spec.requiresRepublish = true).metadata.generation, 1);
  const change = (object: typeof old) => {
    object.spec = { ...object.spec, attachRequired: false, volumeLifecycleModes: ["Ephemeral"] };
  };
  assert.deepEqual(updateErrors(csiDriver, old, change), [
    "spec.attachedRequired: Invalid value: false: field is immutable",
    'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
  ]);
});

Deno.test("csiDriver columns are kubectl's", () => {
  assert.equal(
    header(csiDriver),
    "Name, AttachRequired, PodInfoOnMount, StorageCapacity, TokenRequests, RequiresRepublish, Modes, Age",
  );
  assert.equal(row(csiDriver, created(csiDriver, {})), "web true false false <unset> false Persistent 0s |");
  const tokenRequests = [{ audience: "a" }, { audience: "b" }];
  assert.equal(
    row(csiDriver, created(csiDriver, { spec: { tokenRequests } })),
    "web true false false a,b false Persistent 0s |",
  );
});

const driver = { name: "disk.example.com", nodeID: "n1", topologyKeys: ["zone"], allocatable: { count: 3 } };

Deno.test("csiNode says all that is wrong with its drivers", () => {
  const drivers = (...list: unknown[]) => ({ spec: { drivers: list } });
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [drivers(driver, { name: "Other.example.com", nodeID: "n" }), []],
    [drivers(driver, driver), ['[1].name: Duplicate value: "disk.example.com"']],
    [drivers({ ...driver, nodeID: "", allocatable: { count: -1 } }), [
      "[0].nodeID: Required value",
      "[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
    ]],
    [drivers({ ...driver, nodeID: "n".repeat(257) }), [
      `[0].nodeID: Invalid value: "${"n".repeat(257)}": must be 256 characters or less`,
    ]],
    [drivers({ ...driver, name: "a".repeat(64) }), ["[0].name: Too long: may not be more than 63 bytes"]],
    [drivers({ ...driver, topologyKeys: ["zone", "zone"] }), ['[0]: Duplicate value: "zone"']],
  ];
  for (const [given, expected] of table) {
    assert.deepEqual(createErrors(csiNode, given), expected.map((line) => `spec.drivers${line}`));
  }
});

Deno.test("csiNode keeps what a driver said, but for how much fits", () => {
  const old = created(csiNode, { spec: { drivers: [driver] } });
  assert.deepEqual(updateErrors(csiNode, old, (object) => object.spec.drivers[0]!.allocatable = { count: 9 }), []);
  assert.deepEqual(updateErrors(csiNode, old, (object) => object.spec.drivers = []), []);
  const { allocatable: _, ...rest } = driver;
  assert.deepEqual(updateErrors(csiNode, old, (object) => object.spec.drivers[0]!.nodeID = "n2"), [
    `spec.drivers: Invalid value: ${JSON.stringify({ ...rest, nodeID: "n2" })}: field is immutable`,
  ]);
  assert.equal(header(csiNode), "Name, Drivers, Age");
  assert.equal(row(csiNode, old), "web 1 0s |");
});

Deno.test("csiStorageCapacity answers one question for ever", () => {
  const given = { storageClassName: "fast", nodeTopology: { matchLabels: { zone: "a" } }, capacity: "1Gi" };
  assert.deepEqual(createErrors(csiStorageCapacity, given), []);
  assert.deepEqual(createErrors(csiStorageCapacity, { ...given, capacity: "-1" }), [
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ]);
  assert.equal(createErrors(csiStorageCapacity, {}).length, 1);
  const old = created(csiStorageCapacity, given);
  assert.deepEqual(updateErrors(csiStorageCapacity, old, (object) => object.capacity = "2Gi"), []);
  const change = (object: typeof old) => {
    object.storageClassName = "slow";
    delete object.nodeTopology;
  };
  assert.deepEqual(updateErrors(csiStorageCapacity, old, change), [
    "nodeTopology: Invalid value: null: field is immutable",
    'storageClassName: Invalid value: "slow": field is immutable',
  ]);
  assert.equal(header(csiStorageCapacity), "Name, StorageClassName, Capacity");
  assert.equal(row(csiStorageCapacity, old), "web fast 1Gi |");
  const topology = {
    matchExpressions: [{ key: "beta.kubernetes.io/os", operator: "Exists" }],
    matchLabels: { "beta.kubernetes.io/arch": "amd64" },
  };
  const doubtful = created(csiStorageCapacity, { ...given, nodeTopology: topology });
  assert.deepEqual(csiStorageCapacity.warnings!(doubtful, undefined), [
    'nodeTopology.matchExpressions[0]: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead',
    'nodeTopology.matchLabels.beta.kubernetes.io/arch: deprecated since v1.14; use "kubernetes.io/arch" instead',
  ]);
});
