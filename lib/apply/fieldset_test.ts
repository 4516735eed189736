import assert from "assert";
import fc from "fast-check";
import {
  difference,
  type Entry,
  entry,
  equalSets,
  type FieldSet,
  fieldSetOf,
  fromFieldsV1,
  intersection,
  isEmpty,
  leaves,
  pathString,
  recursiveDifference,
  toFieldsV1,
  union,
} from "./fieldset.ts";

const element = fc.constantFrom("f:a", "f:b", 'k:{"name":"x"}', 'v:"y"', "v:1", "i:0");
const set: fc.Arbitrary<FieldSet> = fc.letrec<{ set: FieldSet }>((tie) => ({
  set: fc.array(fc.tuple(element, fc.boolean(), fc.option(tie("set"), { maxDepth: 3, nil: undefined })), {
    maxLength: 3,
  }).map((list) =>
    new Map(
      list.map(([e, self, below]) => [e, entry(self, below)] as [string, Entry | undefined]).filter(([, made]) =>
        made !== undefined
      ),
    ) as FieldSet
  ),
})).set;

Deno.test("toFieldsV1() and fromFieldsV1() are inverse", () => {
  fc.assert(fc.property(set, (a) => assert.ok(equalSets(fromFieldsV1(toFieldsV1(a)), a))));
  const json = {
    "f:metadata": { "f:labels": { ".": {}, "f:app": {} } },
    "f:spec": { 'k:{"name":"a"}': { ".": {}, "f:image": {} } },
  };
  assert.deepEqual(toFieldsV1(fromFieldsV1(json)), json);
  assert.deepEqual(toFieldsV1(fromFieldsV1({ 'k:{"protocol": "TCP", "containerPort": 80}': {} })), {
    'k:{"containerPort":80,"protocol":"TCP"}': {},
  });
});

Deno.test("fromFieldsV1() refuses what is malformed", () => {
  let deep: Record<string, unknown> = {};
  for (let i = 0; i < 200; i++) deep = { "f:a": deep };
  for (
    const json of [null, [], { "f:a": 1 }, { a: {} }, { "k:{": {} }, { "k:1": {} }, { "v:x": {} }, { "i:x": {} }, {
      "z:a": {},
    }, deep]
  ) {
    assert.throws(() => fromFieldsV1(json), /FieldsV1/);
  }
});

Deno.test("field sets obey the laws of sets", () => {
  fc.assert(fc.property(set, set, set, (a, b, c) => {
    assert.ok(equalSets(union(a, b), union(b, a)));
    assert.ok(equalSets(union(union(a, b), c), union(a, union(b, c))));
    assert.ok(equalSets(intersection(a, union(a, b)), a));
    assert.ok(equalSets(union(difference(a, b), intersection(a, b)), a));
    assert.ok(isEmpty(intersection(difference(a, b), b)));
    assert.ok(isEmpty(difference(recursiveDifference(a, b), difference(a, b))));
    assert.ok(isEmpty(difference(a, a)));
  }));
});

Deno.test("pathString() writes paths as conflicts name them", () => {
  const paths = leaves(fromFieldsV1({
    "f:spec": {
      "f:containers": {
        'k:{"name":"a"}': { "f:image": {}, "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {} } } },
      },
    },
    "f:metadata": { "f:finalizers": { 'v:"x"': {} } },
  }));
  assert.deepEqual(paths.map(pathString), [
    '.metadata.finalizers[="x"]',
    '.spec.containers[name="a"].image',
    '.spec.containers[name="a"].ports[containerPort=80,protocol="TCP"]',
  ]);
  assert.deepEqual(toFieldsV1(fieldSetOf("status", "metadata.labels", "metadata")), {
    "f:metadata": { ".": {}, "f:labels": {} },
    "f:status": {},
  });
});
