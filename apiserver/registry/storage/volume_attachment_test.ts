import assert from "assert";
import { created, header, isIdempotent, lines, row, statusErrors, updateErrors } from "../meta/kind_scene.ts";
import { volumeAttachment as kind } from "./volume_attachment.ts";

const base = { attacher: "disk.example.com", nodeName: "n1", source: { persistentVolumeName: "pv" } };
const csi = { driver: "disk.example.com", volumeHandle: "v" };
const errorsOf = (spec: Record<string, unknown>) => lines(kind.validate(created(kind, { spec })));
const one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";

Deno.test("volumeAttachment begins detached", () => {
  assert.deepEqual(created(kind, { spec: base, status: { attached: true } }).status, { attached: false });
  assert.ok(isIdempotent(kind, {}));
});

Deno.test("volumeAttachment says all that is wrong", () => {
  const inline = (inlineVolumeSpec: unknown) => ({ ...base, source: { inlineVolumeSpec } });
  const at = "spec.source.inlineVolumeSpec";
  const context = "in the context of inline volumes";
  const table: [Record<string, unknown>, string[]][] = [
    [base, []],
    [inline({ accessModes: ["ReadWriteOnce"], csi }), []],
    [{ nodeName: "n1" }, ["spec.attacher: Required value", `spec.source: Required value: ${one}`]],
    [{ ...base, source: { persistentVolumeName: "pv", inlineVolumeSpec: { csi } } }, [
      `spec.source: Forbidden: ${one}`,
    ]],
    [{ ...base, source: { persistentVolumeName: "" } }, [
      "spec.source.persistentVolumeName: Required value: must specify non empty persistentVolumeName",
    ]],
    [inline({ csi, capacity: { storage: "1" }, volumeMode: "Block", nodeAffinity: {} }), [
      `${at}.capacity: Forbidden: may not be specified ${context}`,
      `${at}.accessModes: Required value`,
      `${at}.nodeAffinity: Forbidden: may not be specified ${context}`,
      `${at}.volumeMode: Forbidden: may not be specified ${context}`,
    ]],
    [inline({ accessModes: ["ReadWriteOnce"], hostPath: { path: "/a" } }), [
      `${at}.csi: Required value: has to be specified ${context}`,
    ]],
  ];
  for (const [spec, expected] of table) assert.deepEqual(errorsOf(spec), expected);
  assert.equal(errorsOf({ ...base, nodeName: "" }).length, 1);
});

Deno.test("volumeAttachment looks closer at names of new objects, and keeps its spec", () => {
  const odd = created(kind, { spec: { ...base, attacher: "", source: { persistentVolumeName: "A" } } });
  assert.deepEqual(lines(kind.validateCreate!(odd)).map((line) => line.split(": ").slice(0, 2).join(": ")), [
    "spec.attacher: Required value",
    "spec.attacher: Invalid value",
    "spec.source.persistentVolumeName: Invalid value",
  ]);
  const old = created(kind, { spec: base });
  assert.deepEqual(updateErrors(kind, old, (object) => object.spec.nodeName = "n2"), [
    `spec: Invalid value: ${JSON.stringify({ ...base, nodeName: "n2" })}: field is immutable`,
  ]);
});

Deno.test("volumeAttachment bounds what attachers write", () => {
  const old = created(kind, { spec: base });
  const errors = statusErrors(kind, old, (object) => {
    object.status = {
      attached: false,
      attachmentMetadata: { a: "x".repeat(2 ** 18) },
      attachError: { message: "x".repeat(1025), errorCode: -1 },
    };
  });
  assert.deepEqual(errors, [
    "status.attachmentMetadata: Too long: may not be more than 262144 bytes",
    "status.attachError.message: Too long: may not be more than 262144 bytes",
    "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
  ]);
  assert.equal(header(kind), "Name, Attacher, PV, Node, Attached, Age");
  assert.equal(row(kind, old), "web disk.example.com pv n1 false 0s |");
});
