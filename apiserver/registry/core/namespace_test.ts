import assert from "assert";
import type { KubeObject } from "../../../lib/kind.ts";
import type { ActionSubresource } from "../../rest/resource.ts";
import type { Namespace } from "../../../lib/types/core_v1.ts";
import {
  context,
  created,
  createErrors,
  header,
  isIdempotent,
  lines,
  row,
  statusErrors,
  updated,
} from "../meta/kind_scene.ts";
import { namespace } from "./namespace.ts";

const given = { metadata: { name: "shop", labels: { a: "b" } } };
const finalize = namespace.subresources.finalize as ActionSubresource<Namespace>;

Deno.test("namespace begins active, with a label and a finalizer", () => {
  const object = created(namespace, { ...given, spec: { finalizers: ["example.com/x"] } });
  assert.deepEqual(object.metadata.labels, { a: "b", "kubernetes.io/metadata.name": "shop" });
  assert.deepEqual([object.spec, object.status], [{ finalizers: ["example.com/x", "kubernetes"] }, {
    phase: "Active",
  }]);
  assert.ok(isIdempotent(namespace, given));
  const kept = updated(namespace, object, (o) => {
    o.spec = {};
    o.metadata.labels = {};
  });
  assert.deepEqual([kept.spec, kept.metadata.labels], [object.spec, { "kubernetes.io/metadata.name": "shop" }]);
});

Deno.test("namespace says what is wrong with its finalizers and its phase", () => {
  assert.deepEqual(createErrors(namespace, { spec: { finalizers: ["mine"] } }), [
    'spec.finalizers: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ]);
  const object = created(namespace, given);
  assert.deepEqual(statusErrors(namespace, object, (o) => o.status.phase = "Terminating"), [
    "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
  ]);
  object.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  assert.deepEqual(statusErrors(namespace, object, () => {}), [
    "status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty",
  ]);
});

Deno.test("namespace goes when its finalizers are gone", () => {
  const object = created(namespace, given);
  assert.deepEqual(namespace.moreFinalizers!(object), ["kubernetes"]);
  namespace.prepareDelete!(object, context);
  assert.equal(object.status.phase, "Terminating");
  const body = { metadata: { name: "shop" }, spec: { finalizers: ["mine"] } } as unknown as KubeObject;
  assert.deepEqual(lines(finalize.apply(object, body, context)), [
    'spec.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
  ]);
  assert.deepEqual(finalize.apply(object, { metadata: { name: "shop" } } as unknown as KubeObject, context), []);
  assert.deepEqual(namespace.moreFinalizers!(object), []);
  assert.equal(object.status.phase, "Terminating");
  assert.ok(!namespace.verbs.includes("deletecollection"));
});

Deno.test("namespace columns are kubectl's", () => {
  assert.equal(header(namespace), "Name, Status, Age");
  assert.equal(row(namespace, created(namespace, given)), "shop Active 0s |");
});
