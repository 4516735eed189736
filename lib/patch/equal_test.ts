import assert from "assert";
import fc from "fast-check";
import { clone, deepEqual } from "./equal.ts";

Deno.test("deepEqual() compares JSON values", () => {
  const table: [unknown, unknown, boolean][] = [
    [{ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 }, true],
    [{ a: 1 }, { a: 1, b: undefined }, true],
    [{ a: undefined }, {}, true],
    [{ a: 1 }, { b: 1 }, false],
    [{ a: null }, {}, false],
    [[], {}, false],
    [[1, 2], [2, 1], false],
    ["1", 1, false],
    [{}, { toString: 1 }, false],
    [null, undefined, false],
  ];
  for (const [a, b, want] of table) {
    assert.equal(deepEqual(a, b), want, JSON.stringify([a, b]));
    assert.equal(deepEqual(b, a), want, JSON.stringify([b, a]));
  }
});

Deno.test("clone() makes an equal value that shares nothing", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const copy = clone(value);
    assert.ok(deepEqual(copy, value));
    if (typeof value === "object" && value !== null) assert.notEqual(copy, value);
  }));
  const hostile = clone(JSON.parse('{"__proto__":{"x":1}}'));
  assert.equal(hostile.x, undefined);
  assert.equal(JSON.stringify(hostile), '{"__proto__":{"x":1}}');
});
