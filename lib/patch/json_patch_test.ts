import assert from "assert";
import fc from "fast-check";
import { StatusError } from "../status.ts";
import { deepEqual, type Json } from "./equal.ts";
import { applyJsonPatch } from "./json_patch.ts";
import { applyMergePatch } from "./merge_patch.ts";

Deno.test("applyJsonPatch() does what RFC 6902 says", () => {
  const table: [Json, unknown[], Json][] = [
    [{ a: 1 }, [{ op: "add", path: "/b", value: [1] }], { a: 1, b: [1] }],
    [{ a: [1, 2] }, [{ op: "add", path: "/a/1", value: 3 }], { a: [1, 3, 2] }],
    [{ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    [{ a: [1, 2] }, [{ op: "add", path: "/a/-1", value: 3 }], { a: [1, 2, 3] }],
    [{ a: [1, 2] }, [{ op: "remove", path: "/a/-1" }], { a: [1] }],
    [{ a: { "b/c": 1, "~d": 2 } }, [{ op: "remove", path: "/a/b~1c" }, { op: "remove", path: "/a/~0d" }], { a: {} }],
    [{ a: 1 }, [{ op: "replace", path: "/a", value: null }], { a: null }],
    [{ a: { b: 1 }, c: {} }, [{ op: "move", from: "/a/b", path: "/c/d" }], { a: {}, c: { d: 1 } }],
    [{ a: { b: [1] } }, [{ op: "copy", from: "/a", path: "/c" }, { op: "add", path: "/c/b/0", value: 0 }], {
      a: { b: [1] },
      c: { b: [0, 1] },
    }],
    [{ a: { b: 1, c: 2 } }, [{ op: "test", path: "/a", value: { c: 2, b: 1 } }], { a: { b: 1, c: 2 } }],
    [{}, [{ op: "test", path: "/a", value: null }], {}],
    [{ a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
    [{ labels: {} }, [{ op: "add", path: "/labels/constructor", value: "x" }], { labels: { constructor: "x" } }],
    [{ a: 1 }, [], { a: 1 }],
  ];
  for (const [object, patch, want] of table) {
    const before = JSON.stringify(object);
    assert.deepEqual(applyJsonPatch(object, patch), want, JSON.stringify(patch));
    assert.equal(JSON.stringify(object), before);
  }
});

Deno.test("applyJsonPatch() refuses what does not apply with 422, and what is no patch with 400", () => {
  const table: [unknown, number, RegExp][] = [
    [[{ op: "test", path: "/a", value: 2 }], 422, /testing value \/a failed: test failed/],
    [[{ op: "remove", path: "/x" }], 422, /remove operation does not apply: doc is missing key: \/x: missing value/],
    [[{ op: "replace", path: "/x", value: 1 }], 422, /doc is missing key: \/x/],
    [[{ op: "add", path: "/x/y", value: 1 }], 422, /doc is missing path: "\/x\/y"/],
    [[{ op: "add", path: "/l/5", value: 1 }], 422, /invalid index/],
    [[{ op: "add", path: "/l/-5", value: 1 }], 422, /invalid index/],
    [[{ op: "add", path: "/l/x", value: 1 }], 422, /Atoi/],
    [[{ op: "add", path: "/a" }], 422, /missing value/],
    [[{ op: "frob", path: "/a" }], 422, /Unexpected kind: frob/],
    [[{ op: "add", path: "/__proto__/polluted", value: 1 }], 422, /reserved key/],
    [[{ op: "add", path: "/constructor/prototype/polluted", value: 1 }], 422, /doc is missing path/],
    [[{ op: "move", from: "/a", path: "/a/b" }], 422, /into itself/],
    [[{ op: "remove", path: "" }], 422, /not an object/],
    [[{ op: "add", path: "a", value: 1 }], 422, /does not begin/],
    [{ op: "add" }, 400, /cannot unmarshal/],
    [[{ path: "/a" }], 400, /needs an `op`/],
    [[null], 400, /needs an `op`/],
    [
      Array(10_001).fill({ op: "test", path: "/a", value: 1 }),
      413,
      /maximum operations in a JSON patch is 10000, got 10001/,
    ],
  ];
  for (const [patch, code, want] of table) {
    assert.throws(() => applyJsonPatch({ a: 1, l: [1] }, patch), (e) => {
      assert.ok(e instanceof StatusError);
      assert.equal(e.code, code);
      assert.match(`${e.message} ${e.status.details?.causes?.[0]?.message}`, want);
      return true;
    });
  }
  assert.equal(({} as Json).polluted, undefined);
});

Deno.test("applyJsonPatch() bounds what copies may add", () => {
  const grow = Array.from({ length: 40 }, (_, i) => ({ op: "copy", from: "", path: `/c${i}` }));
  assert.throws(() => applyJsonPatch({ a: "x".repeat(1000) }, grow), StatusError);
});

Deno.test("applyMergePatch() does what RFC 7386 says", () => {
  const table: [Json, unknown, Json][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: 1 }, { a: null }, { b: 1 }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{ a: "foo" }, { a: { b: { c: null } } }, { a: { b: {} } }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  ];
  for (const [object, patch, want] of table) {
    const before = JSON.stringify([object, patch]);
    assert.deepEqual(applyMergePatch(object, patch), want);
    assert.equal(JSON.stringify([object, patch]), before);
  }
  assert.throws(() => applyMergePatch({}, [1]), /Invalid JSON Patch/);
  const hostile = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":1}}'));
  assert.equal(hostile.polluted, undefined);
});

const objects = fc.dictionary(
  fc.constantFrom("a", "b", "c", "__proto__"),
  fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.constant(null),
      fc.array(fc.integer()),
      fc.dictionary(fc.constantFrom("x", "y"), tie("value")),
    ),
  })).value,
) as fc.Arbitrary<Json>;

Deno.test("applyMergePatch() answers what shares nothing with its arguments", () => {
  const object = { kept: { list: [{ a: 1 }] } };
  const patch = { given: { list: [1] } };
  const result = applyMergePatch(object, patch) as { kept: { list: { a: number }[] }; given: { list: number[] } };
  result.kept.list[0]!.a = 2;
  result.given.list.push(2);
  assert.deepEqual([object, patch], [{ kept: { list: [{ a: 1 }] } }, { given: { list: [1] } }]);
});

Deno.test("applyMergePatch() is idempotent, and an empty patch changes nothing", () => {
  fc.assert(fc.property(objects, objects, (object, patch) => {
    const once = applyMergePatch(object, patch);
    assert.ok(deepEqual(applyMergePatch(once, patch), once));
    assert.ok(deepEqual(applyMergePatch(object, {}), object));
  }));
});

Deno.test("applyJsonPatch() with a value that was added and then tested always applies", () => {
  fc.assert(fc.property(objects, fc.jsonValue(), (object, value) => {
    const patch = [{ op: "add", path: "/new", value }, { op: "test", path: "/new", value }, {
      op: "remove",
      path: "/new",
    }];
    assert.ok(deepEqual(applyJsonPatch(object, patch), object));
  }));
});
