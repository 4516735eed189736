import assert from "assert";
import { applyDefaults } from "./defaults.ts";
import { definition, definitionIds, definitionOf, makeDefinition, makeField } from "./schema.ts";

Deno.test("applyDefaults() sets what is absent and nothing else", () => {
  const pod = {
    spec: {
      containers: [{
        name: "a",
        ports: [{ containerPort: 1 }, { containerPort: 2, protocol: "UDP" }],
        livenessProbe: { grpc: { port: 1 } },
        env: [{ name: "A", valueFrom: { configMapKeyRef: { key: "k" } } }],
      }],
    },
  };
  applyDefaults(pod, definitionOf({ group: "", version: "v1", kind: "Pod" }));
  assert.deepEqual(pod, {
    spec: {
      containers: [{
        name: "a",
        ports: [{ containerPort: 1, protocol: "TCP" }, { containerPort: 2, protocol: "UDP" }],
        livenessProbe: { grpc: { port: 1, service: "" } },
        env: [{ name: "A", valueFrom: { configMapKeyRef: { key: "k" } } }],
      }],
    },
  });
});

Deno.test("applyDefaults() works on every type, also on those that contain themselves", () => {
  for (const id of definitionIds()) assert.doesNotThrow(() => applyDefaults({}, definition(id)), id);
  const tree = makeDefinition({
    id: "example.com/v1.Tree",
    fields: new Map([
      ["color", makeField({ type: "string", default: "green" })],
      ["size", makeField({ type: "int32", default: 0 })],
      [
        "left",
        makeField({
          type: "struct",
          get struct() {
            return tree;
          },
        }),
      ],
    ]),
  });
  const value = { left: { left: { color: "red" } } };
  applyDefaults(value, tree);
  assert.deepEqual(value, {
    color: "green",
    size: 0,
    left: { color: "green", size: 0, left: { color: "red", size: 0 } },
  });
});
