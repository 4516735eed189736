import assert from "assert";
import { StatusError } from "../status.ts";
import { checkFields, decodeBody, type Decoded, parseFieldValidation } from "./decode.ts";
import { deployment, pod } from "./fixtures.ts";
import { definition, definitionOf, type GroupVersionKind } from "./schema.ts";
import { decodeObject } from "./validate.ts";

const encoder = new TextEncoder();
const kinds: Record<string, GroupVersionKind> = {
  Deployment: { group: "apps", version: "v1", kind: "Deployment" },
  Pod: { group: "", version: "v1", kind: "Pod" },
  ConfigMap: { group: "", version: "v1", kind: "ConfigMap" },
  Secret: { group: "", version: "v1", kind: "Secret" },
  Lease: { group: "coordination.k8s.io", version: "v1", kind: "Lease" },
  CustomResourceDefinition: { group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition" },
};

function decode(kind: string, body: unknown, type = "application/json"): Decoded {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return decodeBody(encoder.encode(text), type, { kind: kinds[kind]!, definition: definitionOf(kinds[kind]!) });
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return `${error.code} ${error.message}`;
  }
  return "no error";
}

Deno.test("decodeBody() leaves a valid object as it is", () => {
  assert.deepEqual(decode("Deployment", deployment()), { object: deployment(), unknown: [], duplicates: [] });
  assert.deepEqual(decode("Pod", pod()).object, pod());
});

Deno.test("decodeBody() says wrong types in Go's words", () => {
  const head = 'Deployment in version "v1" cannot be handled as a Deployment: ';
  const within = (spec: unknown) => ({ apiVersion: "apps/v1", kind: "Deployment", spec });
  const container = (c: unknown) => within({ template: { spec: { containers: [c] } } });
  const table: [unknown, string][] = [
    [
      within({ replicas: "3" }),
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      within({ replicas: 1.5 }),
      "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [
      within({ replicas: 2 ** 31 }),
      "json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32",
    ],
    [within("x"), "json: cannot unmarshal string into Go struct field Deployment.spec of type v1.DeploymentSpec"],
    [
      within({ paused: "true" }),
      "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool",
    ],
    [
      container({ env: [{ name: "A", value: 1 }] }),
      "json: cannot unmarshal number into Go struct field EnvVar.spec.template.spec.containers.env.value of type string",
    ],
    [
      container([]),
      "json: cannot unmarshal array into Go struct field PodSpec.spec.template.spec.containers of type v1.Container",
    ],
    [
      container({ command: "sh" }),
      "json: cannot unmarshal string into Go struct field Container.spec.template.spec.containers.command of type []string",
    ],
    [
      within({ template: { metadata: { labels: { a: 1 } } } }),
      "json: cannot unmarshal number into Go struct field ObjectMeta.spec.template.metadata.labels of type string",
    ],
    [
      container({ resources: { limits: { cpu: "x" } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      within({ strategy: { rollingUpdate: { maxSurge: true } } }),
      "json: cannot unmarshal bool into Go value of type int32",
    ],
  ];
  for (const [body, want] of table) assert.equal(messageOf(() => decode("Deployment", body)), `400 ${head}${want}`);
  const dated = { metadata: { creationTimestamp: "x" } };
  assert.match(
    messageOf(() => decode("Pod", dated)),
    /parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"$/,
  );
  assert.match(messageOf(() => decode("Secret", { data: { a: "!" } })), /illegal base64 data at input byte 0$/);
});

Deno.test("decodeBody() drops unknown fields and names them", () => {
  const body = deployment();
  (body.spec as Record<string, unknown>).foo = 1;
  const { spec } = (body.spec as { template: { spec: { containers: Record<string, unknown>[] } } }).template;
  spec.containers[0]!.bar = { a: 1 };
  Object.assign(body.metadata as object, { constructor: 1 });
  const text = JSON.stringify(body).replace('"replicas":3', '"__proto__":{"x":1},"replicas":2,"replicas":3');
  const decoded = decode("Deployment", text);
  assert.deepEqual(decoded.object, deployment());
  assert.equal(({} as Record<string, unknown>).x, undefined);
  assert.deepEqual(decoded.unknown, [
    'unknown field "metadata.constructor"',
    'unknown field "spec.__proto__"',
    'unknown field "spec.template.spec.containers[0].bar"',
    'unknown field "spec.foo"',
  ]);
  assert.deepEqual(decoded.duplicates, ['duplicate field "spec.replicas"']);
});

Deno.test("checkFields() refuses, warns of or ignores unknown fields", () => {
  const decoded = decode("Deployment", '{"spec":{"foo":1,"replicas":1,"replicas":2}}');
  const kind = kinds.Deployment!;
  assert.equal(
    messageOf(() => checkFields(decoded, kind, "Strict")),
    '400 Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: duplicate field "spec.replicas", unknown field "spec.foo"',
  );
  assert.deepEqual(checkFields(decoded, kind, "Warn"), ['duplicate field "spec.replicas"', 'unknown field "spec.foo"']);
  assert.deepEqual(checkFields(decoded, kind, "Ignore"), []);
  assert.deepEqual(checkFields(decode("Deployment", deployment()), kind, "Strict"), []);
  assert.equal(parseFieldValidation(null), "Warn");
  assert.throws(() => parseFieldValidation("strict"));
});

Deno.test("decodeBody() takes null for absence and brings values into canonical form", () => {
  const { object } = decode("Pod", {
    metadata: { name: "a", creationTimestamp: null, labels: { a: null }, annotations: {}, finalizers: [] },
    spec: {
      containers: [{
        name: "c",
        resources: { limits: { cpu: 0.5, memory: "1024Mi" }, requests: { cpu: null } },
        env: null,
      }],
      nodeName: "",
      volumes: [{ name: "v", emptyDir: {} }],
      terminationGracePeriodSeconds: 0,
    },
    status: { startTime: "2026-01-01T00:00:00.5+01:00" },
  });
  assert.deepEqual(object, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: { a: "" } },
    spec: {
      containers: [{ name: "c", resources: { limits: { cpu: "500m", memory: "1Gi" }, requests: { cpu: "0" } } }],
      volumes: [{ name: "v", emptyDir: {} }],
      terminationGracePeriodSeconds: 0,
    },
    status: { startTime: "2025-12-31T23:00:00Z" },
  });
});

Deno.test("decodeBody() drops the zeros that Go leaves out, and keeps those that say something", () => {
  const container = {
    name: "c",
    tty: false,
    env: [{ name: "A", value: "" }],
    ports: [{ containerPort: 80, hostPort: 0 }],
  };
  const { object } = decode("Pod", {
    metadata: { name: "a", generateName: "", labels: { a: "" } },
    spec: {
      hostNetwork: false,
      nodeName: "",
      enableServiceLinks: false,
      activeDeadlineSeconds: 0,
      priorityClassName: "",
      containers: [container],
    },
    status: { containerStatuses: [{ name: "c", ready: false, restartCount: 0, image: "", imageID: "" }] },
  });
  assert.deepEqual(object, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a", labels: { a: "" } },
    spec: {
      enableServiceLinks: false,
      activeDeadlineSeconds: 0,
      containers: [{ name: "c", env: [{ name: "A" }], ports: [{ containerPort: 80 }] }],
    },
    status: { containerStatuses: [{ name: "c", ready: false, restartCount: 0, image: "", imageID: "" }] },
  });
  const pod = definition("io.k8s.api.core.v1.Pod");
  assert.deepEqual(decodeObject({ spec: { hostNetwork: false } }, pod, "kept").object, {
    spec: { hostNetwork: false },
  });
});

Deno.test("decodeBody() keeps prototype keys of maps as data", () => {
  const { object } = decode("ConfigMap", '{"data":{"__proto__":"x","constructor":"y"}}');
  const data = object.data as Record<string, unknown>;
  assert.deepEqual(Object.entries(data), [["__proto__", "x"], ["constructor", "y"]]);
  assert.equal(JSON.stringify(data), '{"__proto__":"x","constructor":"y"}');
});

Deno.test("decodeBody() refuses kinds that are not asked for, and what is no object", () => {
  const table: [unknown, string][] = [
    [
      { apiVersion: "v1", kind: "Pod" },
      '400 Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
    ],
    [
      { apiVersion: "apps/v9", kind: "Deployment" },
      '400 Deployment in version "v9" cannot be handled as a Deployment: no kind "Deployment" is registered for version "apps/v9" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      "",
      "400 the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)",
    ],
  ];
  for (const [body, want] of table) assert.equal(messageOf(() => decode("Deployment", body)), want);
  for (const body of ["[]", "1", '"x"', "null", '{"kind":1}', "{", "\xff"]) {
    assert.match(messageOf(() => decode("Deployment", body)), /^400 the object provided is unrecognized/, body);
  }
  assert.match(
    messageOf(() => decode("Pod", "{}", "text/plain")),
    /^415 the body of the request was in an unknown format/,
  );
});

Deno.test("decodeBody() reads YAML", () => {
  const { object, duplicates } = decode(
    "ConfigMap",
    "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\ndata:\n  c: d\n",
    "application/yaml; charset=utf-8",
  );
  assert.deepEqual(object, { apiVersion: "v1", kind: "ConfigMap", data: { c: "d" } });
  assert.deepEqual(duplicates, ['yaml: unmarshal errors:\n  line 4: key "data" already set in map']);
});

Deno.test("decodeBody() checks schemas within CustomResourceDefinitions", () => {
  const crd = (schema: unknown) => ({ spec: { versions: [{ name: "v1", schema: { openAPIV3Schema: schema } }] } });
  const good = {
    type: "object",
    properties: {
      a: { type: "array", items: { type: "string", default: null } },
      b: { additionalProperties: true, "x-kubernetes-preserve-unknown-fields": true },
      c: { additionalProperties: { type: "integer", minimum: 0 } },
    },
  };
  const { object, unknown } = decode("CustomResourceDefinition", crd(good));
  assert.deepEqual(unknown, []);
  assert.deepEqual((object.spec as { versions: unknown[] }).versions[0], {
    name: "v1",
    schema: {
      openAPIV3Schema: { ...good, properties: { ...good.properties, a: { type: "array", items: { type: "string" } } } },
    },
  });
  const bad = decode("CustomResourceDefinition", crd({ properties: { a: { items: { tpye: "x" } } } }));
  assert.deepEqual(bad.unknown, ['unknown field "spec.versions[0].schema.openAPIV3Schema.properties.a.items.tpye"']);
});

Deno.test("decodeObject() bounds what it reports and survives hostile nesting", () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`x${i}`, 1]));
  assert.equal(decodeObject(many, definition("io.k8s.api.core.v1.Pod")).unknown.length, 100);
  let nested: Record<string, unknown> = {};
  for (let i = 0; i < 400; i++) nested = { not: nested };
  const props = definition("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
  assert.doesNotThrow(() => decodeObject(nested, props));
});
