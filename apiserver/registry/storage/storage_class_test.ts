import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { storageClass } from "./storage_class.ts";
import { volumeAttributesClass } from "./volume_attributes_class.ts";

const base = { provisioner: "example.com/disk" };
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
  "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

Deno.test("storageClass deletes volumes and binds them at once unless it says otherwise", () => {
  const { reclaimPolicy, volumeBindingMode } = defaulted(storageClass, base);
  assert.deepEqual({ reclaimPolicy, volumeBindingMode }, { reclaimPolicy: "Delete", volumeBindingMode: "Immediate" });
  assert.ok(isIdempotent(storageClass, base));
});

Deno.test("storageClass says all that is wrong", () => {
  const zones = (...terms: unknown[]) => ({ ...base, allowedTopologies: terms });
  const term = (key: string, ...values: string[]) => ({ matchLabelExpressions: [{ key, values }] });
  const at = "allowedTopologies";
  const table: [Record<string, unknown>, string[]][] = [
    [base, []],
    [{ provisioner: "Example.com/Disk" }, []],
    [zones(term("zone", "a"), term("zone", "b")), []],
    [{}, ["provisioner: Required value"]],
    [{ provisioner: "A b" }, [`provisioner: Invalid value: "a b": ${qualified}`]],
    [{ ...base, reclaimPolicy: "Recycle", volumeBindingMode: "Later" }, [
      'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Later": supported values: "Immediate", "WaitForFirstConsumer"',
    ]],
    [{ ...base, parameters: { "": "x" } }, ['parameters: Invalid value: "": field can not be empty.']],
    [{ ...base, parameters: { a: "x".repeat(2 ** 18) } }, ["parameters: Too long: may not be more than 262144 bytes"]],
    [{ ...base, parameters: Object.fromEntries([...Array(513).keys()].map((i) => [`${i}`, ""])) }, [
      "parameters: Too long: may not be more than 512 bytes",
    ]],
    [zones(term("zone", "a", "b"), term("zone", "b", "a")), [
      `${at}[1].matchLabelExpressions: Duplicate value: ""`,
    ]],
    [zones({}), [`${at}[0].matchLabelExpressions: Duplicate value: ""`]],
    [zones({ matchLabelExpressions: [{ key: "a b", values: ["x", "x"] }, { key: "a b" }] }), [
      `${at}[0].matchLabelExpressions[0].values[1]: Duplicate value: "x"`,
      `${at}[0].matchLabelExpressions[0].key: Invalid value: "a b": ${qualified}`,
      `${at}[0].matchLabelExpressions[1].values: Required value`,
      `${at}[0].matchLabelExpressions[1].key: Invalid value: "a b": ${qualified}`,
      `${at}[0].matchLabelExpressions[1].key: Duplicate value: "a b"`,
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(storageClass, given), expected);
});

Deno.test("storageClass changes whether volumes grow, and nothing that they were made with", () => {
  const old = created(storageClass, { ...base, parameters: { a: "b" } });
  assert.deepEqual(updateErrors(storageClass, old, (object) => object.allowVolumeExpansion = true), []);
  const change = (object: typeof old) => {
    delete object.parameters;
    Object.assign(object, { provisioner: "x/y", reclaimPolicy: "Retain", volumeBindingMode: "WaitForFirstConsumer" });
  };
  assert.deepEqual(updateErrors(storageClass, old, change), [
    "parameters: Forbidden: updates to parameters are forbidden.",
    "provisioner: Forbidden: updates to provisioner are forbidden.",
    "reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.",
    'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
  ]);
});

Deno.test("storageClass warns of node labels that have other names now", () => {
  const key = "failure-domain.beta.kubernetes.io/zone";
  const object = created(storageClass, {
    ...base,
    allowedTopologies: [{ matchLabelExpressions: [{ key: "a", values: ["x"] }, { key, values: ["x"] }] }],
  });
  assert.deepEqual(storageClass.warnings!(object, undefined), [
    "allowedTopologies[0].matchLabelExpressions[1].key: " +
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  ]);
});

Deno.test("storageClass shows which one is the default", () => {
  assert.equal(header(storageClass), "Name, Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age");
  const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
  assert.equal(row(storageClass, created(storageClass, base)), "web example.com/disk Delete Immediate false 0s |");
  assert.equal(
    row(storageClass, created(storageClass, { ...base, metadata: { annotations }, allowVolumeExpansion: true })),
    "web (default) example.com/disk Delete Immediate true 0s |",
  );
});

Deno.test("volumeAttributesClass has a driver and parameters, for ever", () => {
  const given = { driverName: "example.com", parameters: { iops: "100" } };
  assert.deepEqual(createErrors(volumeAttributesClass, given), []);
  assert.deepEqual(createErrors(volumeAttributesClass, {}), [
    "driverName: Required value",
    "parameters: Required value: must contain at least one key/value pair",
  ]);
  const old = created(volumeAttributesClass, given);
  const change = (object: typeof old) => Object.assign(object, { driverName: "x", parameters: { iops: "1" } });
  assert.deepEqual(updateErrors(volumeAttributesClass, old, change), [
    "driverName: Forbidden: updates to driverName are forbidden.",
    "parameters: Forbidden: updates to parameters are forbidden.",
  ]);
  assert.equal(header(volumeAttributesClass), "Name, DriverName, Age");
  assert.equal(row(volumeAttributesClass, old), "web example.com 0s |");
});
