import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { priorityClass } from "./priority_class.ts";

Deno.test("priorityClass preempts unless it says otherwise, and is worth 0", () => {
  const { value, preemptionPolicy } = defaulted(priorityClass, {});
  assert.deepEqual({ value, preemptionPolicy }, { value: 0, preemptionPolicy: "PreemptLowerPriority" });
  assert.ok(isIdempotent(priorityClass, { value: 5, preemptionPolicy: "Never" }));
  assert.equal(created(priorityClass, {}).metadata.generation, 1);
});

Deno.test("priorityClass keeps the system's names and numbers for the system", () => {
  const reserved = "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use " +
    "only. error: ";
  const table: [string, Record<string, unknown>, string[]][] = [
    ["high", { value: 1_000_000_000 }, []],
    ["low", { value: -5 }, []],
    ["high", { value: 1_000_000_001 }, [
      "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
    ]],
    ["system-node-critical", { value: 2_000_001_000 }, []],
    ["system-cluster-critical", { value: 2_000_000_000 }, []],
    ["system-node-critical", { value: 1 }, [
      `${reserved}value of system-node-critical PriorityClass must be 2000001000`,
    ]],
    ["system-cluster-critical", { value: 2_000_000_000, globalDefault: true }, [
      `${reserved}globalDefault of system-cluster-critical PriorityClass must be false`,
    ]],
    ["system-mine", {}, [`${reserved}system-mine is not a known system priority class`]],
    ["a", { preemptionPolicy: "" }, ["preemptionPolicy: Required value"]],
    ["a", { preemptionPolicy: "Maybe" }, [
      'preemptionPolicy: Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
    ]],
  ];
  for (const [name, given, expected] of table) {
    assert.deepEqual(createErrors(priorityClass, { metadata: { name }, ...given }), expected);
  }
});

Deno.test("priorityClass changes neither value nor policy", () => {
  const old = created(priorityClass, { value: 5 });
  assert.deepEqual(updateErrors(priorityClass, old, (object) => object.description = "x"), []);
  const change = (object: typeof old) => Object.assign(object, { value: 6, preemptionPolicy: "Never" });
  assert.deepEqual(updateErrors(priorityClass, old, change), [
    "value: Forbidden: may not be changed in an update.",
    'preemptionPolicy: Invalid value: "Never": field is immutable',
  ]);
});

Deno.test("priorityClass columns are kubectl's", () => {
  assert.equal(header(priorityClass), "Name, Value, Global-Default, Age, PreemptionPolicy");
  assert.equal(row(priorityClass, created(priorityClass, { value: 7 })), "web 7 false 0s PreemptLowerPriority |");
});
