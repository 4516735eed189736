import assert from "assert";
import { created, createErrors, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { configMap } from "./config_map.ts";

Deno.test("configMap says all that is wrong with its keys and its size", () => {
  const key = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' " +
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [{ data: { "a.b": "c", A_B: "" }, binaryData: { x: "AAAA" } }, []],
    [{ data: { "a b": "", x: "" }, binaryData: { x: "", "..": "" } }, [
      `data[a b]: Invalid value: "a b": ${key}`,
      'data[x]: Invalid value: "x": duplicate of key present in binaryData',
      "binaryData[..]: Invalid value: \"..\": must not be '..'",
    ]],
    [{ data: { a: "ä".repeat(2 ** 19) } }, []],
    [{ data: { a: "ä".repeat(2 ** 19) }, binaryData: { b: "AA==" } }, [
      "[]: Too long: may not be more than 1048576 bytes",
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(configMap, given), expected);
  assert.ok(isIdempotent(configMap, { data: { a: "b" } }));
});

Deno.test("configMap that is immutable stays as it is", () => {
  const old = created(configMap, { data: { a: "b" }, immutable: true });
  assert.deepEqual(updateErrors(configMap, old, (object) => object.metadata.labels = { a: "b" }), []);
  const errors = updateErrors(configMap, old, (object) => {
    object.immutable = false;
    object.data = { a: "c" };
    object.binaryData = { d: "AAAA" };
  });
  assert.deepEqual(
    errors,
    ["immutable", "data", "binaryData"].map((name) =>
      `${name}: Forbidden: field is immutable when \`immutable\` is set`
    ),
  );
});

Deno.test("configMap columns are kubectl's", () => {
  assert.equal(header(configMap), "Name, Data, Age");
  assert.equal(row(configMap, created(configMap, { data: { a: "b" }, binaryData: { c: "AAAA" } })), "web 2 0s |");
});
