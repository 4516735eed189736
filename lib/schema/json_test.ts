import assert from "assert";
import fc from "fast-check";
import { jsonDepthMax } from "../limits.ts";
import { JsonError, parseJson } from "./json.ts";

Deno.test("parseJson() names repeated keys by their path", () => {
  const table: [string, string[]][] = [
    ['{"a":1,"b":2}', []],
    ['{"a":1,"a":2}', ["a"]],
    ['{"a":{"b":1,"b":2},"c":[{"d":1},{"d":1,"d":2}]}', ["a.b", "c[1].d"]],
    ['{"a":"b\\"}:{","a\\u0062":1,"ab":2}', ["ab"]],
    ['{"a":1,"a":2,"a":3}', ["a"]],
    ['{"__proto__":1,"__proto__":2}', ["__proto__"]],
    ['[1,{"x":[],"x":{"y":":"}}]', ["[1].x"]],
    ['{"a":[[{"k":1,"k":2}]]}', ["a[0][0].k"]],
  ];
  for (const [text, want] of table) assert.deepEqual(parseJson(text).duplicates, want, text);
});

Deno.test("parseJson() keeps the last of repeated keys and makes no prototype", () => {
  assert.deepEqual(parseJson('{"a":1,"a":2}').value, { a: 2 });
  const value = parseJson('{"__proto__":{"polluted":true}}').value as Record<string, unknown>;
  assert.equal(value.polluted, undefined);
  assert.deepEqual(Object.keys(value), ["__proto__"]);
});

Deno.test("parseJson() refuses what is no JSON and what is nested too deeply", () => {
  for (const text of ["", "{", '{"a"}', "{'a':1}", "[1,]", "{} x", '"a']) {
    assert.throws(() => parseJson(text), JsonError, text);
  }
  assert.throws(() => parseJson("[".repeat(jsonDepthMax + 1) + "]".repeat(jsonDepthMax + 1)), /max depth/);
  assert.throws(() => parseJson("[".repeat(3_000_000)), /max depth/);
  assert.doesNotThrow(() => parseJson("[".repeat(jsonDepthMax) + "]".repeat(jsonDepthMax)));
});

Deno.test("parseJson() finds no repeated key in what JSON.stringify writes", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assert.deepEqual(parseJson(text), { value: JSON.parse(text), duplicates: [] });
  }));
});

Deno.test("parseJson() takes half of a surrogate pair for U+FFFD, as Go does", () => {
  const text = '{"a":"\\ud800","b":["\\ud83e\\udd95","x\\udc00y"],"\\uDBFF":1}';
  assert.deepEqual(parseJson(text).value, { a: "\ufffd", b: ["🦕", "x\ufffdy"], "\ufffd": 1 });
});
