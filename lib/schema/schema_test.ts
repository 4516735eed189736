import assert from "assert";
import {
  definition,
  definitionIds,
  definitionOf,
  type Field,
  findDefinition,
  gvkOf,
  isAtomicStruct,
  mapKeysOf,
} from "./schema.ts";

Deno.test("definition() resolves every field of every type", () => {
  const visit = (field: Field, where: string) => {
    if (field.type === "struct") assert.ok(field.struct, where);
    if (field.type === "array") assert.ok(field.items, where);
    if (field.type === "map") assert.ok(field.values, where);
    if (field.items) visit(field.items, where);
    if (field.values) visit(field.values, where);
  };
  const ids = definitionIds();
  assert.ok(ids.length > 700);
  for (const id of ids) for (const [name, field] of definition(id).fields) visit(field, `${id}.${name}`);
  assert.throws(() => definition("io.k8s.Nonsense"), /no definition/);
});

Deno.test("findDefinition() knows kinds by group and version", () => {
  assert.equal(findDefinition({ group: "apps", version: "v1", kind: "Deployment" })?.name, "Deployment");
  assert.equal(findDefinition({ group: "apps", version: "v1", kind: "DeleteOptions" })?.name, "DeleteOptions");
  assert.equal(findDefinition({ group: "apps", version: "v1beta1", kind: "Deployment" }), undefined);
  assert.equal(
    findDefinition({ group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition" })?.root,
    true,
  );
  const pod = definitionOf({ group: "", version: "v1", kind: "Pod" });
  assert.deepEqual(gvkOf(pod), { group: "", version: "v1", kind: "Pod" });
  assert.equal(definition("io.k8s.api.core.v1.PodSpec"), pod.fields.get("spec")!.struct);
});

Deno.test("fields carry what merging needs", () => {
  const spec = definition("io.k8s.api.core.v1.PodSpec");
  const container = definition("io.k8s.api.core.v1.Container");
  assert.deepEqual(mapKeysOf(container.fields.get("ports")!), ["containerPort", "protocol"]);
  assert.deepEqual(spec.fields.get("volumes")!.patchStrategy, ["merge", "retainKeys"]);
  assert.equal(isAtomicStruct(definition("io.k8s.api.core.v1.PersistentVolumeSpec").fields.get("claimRef")!), false);
  assert.equal(isAtomicStruct(definition("io.k8s.api.apps.v1.DeploymentSpec").fields.get("selector")!), true);
  assert.equal(definition("io.k8s.api.core.v1.Volume").embedded[0]!.struct.name, "VolumeSource");
});
