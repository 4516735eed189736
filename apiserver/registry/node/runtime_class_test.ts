import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { runtimeClass } from "./runtime_class.ts";

const base = { handler: "runsc" };

Deno.test("runtimeClass says all that is wrong", () => {
  const toleration = { key: "a", operator: "Exists" };
  const table: [Record<string, unknown>, string[]][] = [
    [{ ...base, overhead: { podFixed: { cpu: "100m" } }, scheduling: { tolerations: [toleration] } }, []],
    [{ handler: "My_Runtime" }, [
      'handler: Invalid value: "My_Runtime": a lowercase RFC 1123 label must consist of lower case alphanumeric ' +
      "characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex " +
      "used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    ]],
    [{ ...base, overhead: { podFixed: { memory: "-1", pods: "1" } } }, [
      'overhead.limits[memory]: Invalid value: "-1": must be greater than or equal to 0',
      'overhead.limits[pods]: Invalid value: "pods": must be a standard resource for containers',
    ]],
    [{ ...base, scheduling: { tolerations: [toleration, toleration, { operator: "Equal" }] } }, [
      'scheduling.tolerations[2].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, ' +
      'which means "match all values and all keys"',
      `scheduling.tolerations[1]: Duplicate value: ${JSON.stringify(toleration)}`,
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(runtimeClass, given), expected);
  assert.equal(createErrors(runtimeClass, { ...base, scheduling: { nodeSelector: { a: "b c" } } }).length, 1);
});

Deno.test("runtimeClass keeps its handler", () => {
  assert.deepEqual(updateErrors(runtimeClass, created(runtimeClass, base), (object) => object.handler = "runc"), [
    'handler: Invalid value: "runc": field is immutable',
  ]);
});

Deno.test("runtimeClass rounds its overhead up, and warns of old names of labels", () => {
  const given = { ...base, overhead: { podFixed: { cpu: "100u" } } };
  assert.deepEqual(defaulted(runtimeClass, given).overhead, { podFixed: { cpu: "1m" } });
  assert.ok(isIdempotent(runtimeClass, given));
  const object = created(runtimeClass, { ...base, scheduling: { nodeSelector: { "beta.kubernetes.io/os": "linux" } } });
  assert.deepEqual(runtimeClass.warnings!(object, undefined), [
    'scheduling.nodeSelector: deprecated since v1.14; use "kubernetes.io/os" instead',
  ]);
  assert.equal(header(runtimeClass), "Name, Handler, Age");
  assert.equal(row(runtimeClass, object), "web runsc 0s |");
});
