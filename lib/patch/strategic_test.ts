import assert from "assert";
import fc from "fast-check";
import { definition, definitionOf } from "../schema/schema.ts";
import { deployment } from "../schema/fixtures.ts";
import { StatusError } from "../status.ts";
import { deepEqual, type Json } from "./equal.ts";
import { applyStrategicMergePatch } from "./strategic.ts";

const podSpec = definition("io.k8s.api.core.v1.PodSpec");
const containers = (...names: string[]) => ({ containers: names.map((name) => ({ name })) });

Deno.test("applyStrategicMergePatch() merges lists by the schema's keys", () => {
  const table: [string, Json, Json, Json][] = [
    ["changes one element", { containers: [{ name: "a", image: "1" }, { name: "b", image: "1" }] }, {
      containers: [{ name: "b", image: "2" }],
    }, {
      containers: [{ name: "a", image: "1" }, { name: "b", image: "2" }],
    }],
    ["puts a new element first, as Kubernetes does", containers("a"), containers("b"), containers("b", "a")],
    ["deletes an element", containers("a", "b"), { containers: [{ name: "a", $patch: "delete" }] }, containers("b")],
    ["replaces a list", containers("a", "b"), { containers: [{ name: "c" }, { $patch: "replace" }] }, containers("c")],
    ["replaces a map", { securityContext: { runAsUser: 1 } }, { securityContext: { $patch: "replace", fsGroup: 2 } }, {
      securityContext: { fsGroup: 2 },
    }],
    ["empties a map", { nodeSelector: { a: "b" } }, { nodeSelector: { $patch: "delete" } }, { nodeSelector: {} }],
    ["deletes with null", { nodeName: "n", hostname: "h" }, { nodeName: null }, { hostname: "h" }],
    ["merges maps", { nodeSelector: { a: "1", b: "2" } }, { nodeSelector: { b: null, c: "3" } }, {
      nodeSelector: { a: "1", c: "3" },
    }],
    ["replaces atomic lists", { tolerations: [{ key: "a" }] }, { tolerations: [{ key: "b" }] }, {
      tolerations: [{ key: "b" }],
    }],
    ["ignores nulls and directives where there is nothing", {}, {
      containers: [{ name: "a", image: null }, { name: "b", $patch: "delete" }],
      volumes: null,
    }, {
      containers: [{ name: "a" }],
    }],
    [
      "orders by $setElementOrder",
      containers("a", "b", "x"),
      { "$setElementOrder/containers": [{ name: "c" }, { name: "b" }, { name: "a" }], containers: [{ name: "c" }] },
      containers("c", "b", "a", "x"),
    ],
    [
      "orders without a change of the list",
      containers("a", "x", "b"),
      { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] },
      containers("x", "b", "a"),
    ],
    [
      "deletes under $setElementOrder",
      containers("a", "b"),
      { "$setElementOrder/containers": [{ name: "b" }], containers: [{ $patch: "delete", name: "a" }] },
      containers("b"),
    ],
    [
      "keeps only what $retainKeys names",
      { volumes: [{ name: "v", emptyDir: { sizeLimit: "1Gi" } }] },
      { volumes: [{ name: "v", $retainKeys: ["name", "hostPath"], hostPath: { path: "/x" } }] },
      { volumes: [{ name: "v", hostPath: { path: "/x" } }] },
    ],
  ];
  for (const [what, object, patch, want] of table) {
    const before = JSON.stringify([object, patch]);
    assert.deepEqual(applyStrategicMergePatch(object, patch, podSpec), want, what);
    assert.equal(JSON.stringify([object, patch]), before, what);
  }
});

Deno.test("applyStrategicMergePatch() merges lists of primitives as sets", () => {
  const meta = definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  const table: [Json, Json, Json][] = [
    [{ finalizers: ["a", "b"] }, { finalizers: ["c"] }, { finalizers: ["c", "a", "b"] }],
    [{ finalizers: ["a", "b"] }, { finalizers: ["b"] }, { finalizers: ["a", "b"] }],
    [{ finalizers: ["a", "b"] }, { "$deleteFromPrimitiveList/finalizers": ["a", "x"] }, { finalizers: ["b"] }],
    [{ finalizers: ["a", "b"] }, { "$setElementOrder/finalizers": ["b", "a"] }, { finalizers: ["b", "a"] }],
    [
      { finalizers: ["a", "b"] },
      { "$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["c", "b"], finalizers: ["c"] },
      { finalizers: ["c", "b"] },
    ],
    [{}, { "$deleteFromPrimitiveList/finalizers": ["a"] }, {}],
  ];
  for (const [object, patch, want] of table) {
    assert.deepEqual(applyStrategicMergePatch(object, patch, meta), want, JSON.stringify(patch));
  }
});

Deno.test("applyStrategicMergePatch() obeys retainKeys of a Deployment's strategy", () => {
  const kind = definitionOf({ group: "apps", version: "v1", kind: "Deployment" });
  const patched = applyStrategicMergePatch(deployment(), {
    spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
  }, kind);
  assert.deepEqual((patched.spec as Json).strategy, { type: "Recreate" });
});

Deno.test("applyStrategicMergePatch() refuses malformed patches", () => {
  const table: [unknown, RegExp][] = [
    [[1], /Invalid JSON document/],
    [{ containers: [{ image: "x" }] }, /does not contain declared merge key: name/],
    [{ containers: ["x"] }, /list element types are not identical/],
    [{ $patch: "frob" }, /unknown patch type: "frob"/],
    [{ containers: [{ $patch: "merge", name: "a" }] }, /merging lists cannot yet/],
    [{ $retainKeys: "a" }, /invalid patch format of retainKeys/],
    [{ $retainKeys: ["a"], nodeName: "x" }, /invalid patch format of retainKeys/],
    [{ "$setElementOrder/containers": "x" }, /invalid patch format of setElementOrder/],
    [
      { "$setElementOrder/containers": [{ name: "z" }], containers: [{ name: "y" }] },
      /doesn't match \$setElementOrder/,
    ],
    [{ "$deleteFromPrimitiveList/x": 1 }, /invalid patch format of primitive list/],
  ];
  for (const [patch, want] of table) {
    assert.throws(
      () => applyStrategicMergePatch(containers("a"), patch, podSpec),
      (e) => e instanceof StatusError && e.code === 400 && want.test(e.message),
      String(want),
    );
  }
});

const names = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { maxLength: 4 });
const spec: fc.Arbitrary<Json> = fc.record({
  containers: names.chain((list) =>
    fc.tuple(...list.map((name) => fc.record({ name: fc.constant(name), image: fc.constantFrom("1", "2") })))
  ),
  nodeName: fc.constantFrom("n", "m"),
}, { requiredKeys: [] });

Deno.test("applyStrategicMergePatch() is idempotent, and an empty patch changes nothing", () => {
  fc.assert(fc.property(spec, spec, (object, patch) => {
    const once = applyStrategicMergePatch(object, patch, podSpec);
    assert.ok(deepEqual(applyStrategicMergePatch(once, patch, podSpec), once));
    assert.ok(deepEqual(applyStrategicMergePatch(object, {}, podSpec), object));
  }));
});

Deno.test("applyStrategicMergePatch() takes time in proportion to the lists", () => {
  const finalizers = Array.from({ length: 50_000 }, (_, i) => `f${i}`);
  const meta = definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  const started = performance.now();
  applyStrategicMergePatch({ finalizers }, { finalizers: finalizers.toReversed() }, meta);
  assert.ok(performance.now() - started < 2000);
});
