import assert from "assert";
import { bodyBytesMax } from "../../lib/limits.ts";
import { createFixture, sampleResources } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";

Deno.test("create() sets what is the server's to set, whatever the client sends", async () => {
  const f = await createFixture();
  const { status, body } = await f.send("POST", configMaps, {
    metadata: {
      name: "a",
      uid: "mine",
      generation: 7,
      creationTimestamp: "2001-01-01T00:00:00Z",
      deletionTimestamp: "2001-01-01T00:00:00Z",
      deletionGracePeriodSeconds: 3,
      selfLink: "/x",
    },
    data: { x: "1" },
  });
  assert.equal(status, 201);
  const { uid, ...metadata } = body.metadata;
  assert.match(uid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(
    Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== "managedFields")),
    { resourceVersion: "1", name: "a", namespace: "d", creationTimestamp: "2026-01-01T00:00:00Z" },
  );
  assert.deepEqual([body.apiVersion, body.kind, body.data], ["v1", "ConfigMap", { x: "1" }]);
  await f.close();
});

Deno.test("create() refuses in Kubernetes' words", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "there" } });
  const long = "x".repeat(64);
  const labels = (labels: Record<string, string>) => ({ metadata: { name: "a", labels } });
  const table: [string, unknown, number, string, string][] = [
    [configMaps, { metadata: { name: "there" } }, 409, "AlreadyExists", 'configmaps "there" already exists'],
    [
      configMaps,
      { metadata: { name: "a", namespace: "e" } },
      400,
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [
      configMaps,
      { metadata: { name: "a", resourceVersion: "5" } },
      400,
      "BadRequest",
      "resourceVersion should not be set on objects to be created",
    ],
    [
      configMaps,
      {},
      422,
      "Invalid",
      'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ],
    [
      configMaps,
      { apiVersion: "v2", kind: "ConfigMap", metadata: { name: "a" } },
      400,
      "BadRequest",
      'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version "v2" in scheme "pkg/api/legacyscheme/scheme.go:30"',
    ],
    [
      configMaps,
      { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } },
      400,
      "BadRequest",
      'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion',
    ],
    [
      `${configMaps}?dryRun=Some`,
      { metadata: { name: "a" } },
      422,
      "Invalid",
      'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"',
    ],
    [
      `${configMaps}?fieldValidation=Maybe`,
      { metadata: { name: "a" } },
      422,
      "Invalid",
      'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"',
    ],
    [
      `${configMaps}?fieldManager=${"x".repeat(129)}`,
      { metadata: { name: "a" } },
      422,
      "Invalid",
      'CreateOptions.meta.k8s.io "" is invalid: fieldManager: Too long: may not be more than 128 bytes',
    ],
    [
      `${configMaps}?fieldValidation=Strict`,
      { metadata: { name: "a" }, foo: 1 },
      400,
      "BadRequest",
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"',
    ],
    [
      configMaps,
      labels({ [long]: "v" }),
      422,
      "Invalid",
      `ConfigMap "a" is invalid: metadata.labels: Invalid value: "${long}": name part must be no more than 63 bytes`,
    ],
    [
      configMaps,
      { metadata: { name: "a", finalizers: ["x"] } },
      422,
      "Invalid",
      'ConfigMap "a" is invalid: metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ],
    [
      configMaps,
      { metadata: { name: "a", ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "", uid: "" }] } },
      422,
      "Invalid",
      'ConfigMap "a" is invalid: [metadata.ownerReferences[0].name: Invalid value: "": must not be empty, metadata.ownerReferences[0].uid: Invalid value: "": must not be empty]',
    ],
    [
      configMaps,
      { metadata: { name: "a", annotations: { a: "x".repeat(256 * 1024) } } },
      422,
      "Invalid",
      'ConfigMap "a" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes',
    ],
    [
      "/api/v1/pods",
      { metadata: { name: "a" } },
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    ],
    [
      `${configMaps}/a`,
      { metadata: { name: "a" } },
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    ],
    [
      "/api/v1/namespaces/d/unknowns",
      { metadata: { name: "a" } },
      404,
      "NotFound",
      "the server could not find the requested resource",
    ],
    [
      "/api/v1/namespaces/d/namespaces",
      { metadata: { name: "a" } },
      404,
      "NotFound",
      "the server could not find the requested resource",
    ],
  ];
  for (const [path, body, status, reason, message] of table) {
    const answer = await f.send("POST", path, body);
    assert.deepEqual([answer.status, answer.body.reason, answer.body.message], [status, reason, message]);
    assert.equal(answer.body.kind, "Status");
    assert.equal(answer.body.code, status);
  }
  assert.equal((await f.send("GET", configMaps)).body.items.length, 1);
  await f.close();
});

Deno.test("create() reads bodies of the media types that there are, and says which those are", async () => {
  const f = await createFixture();
  const yaml = await f.send("POST", configMaps, "metadata:\n  name: yam\ndata:\n  a: b\n", {
    "content-type": "application/yaml",
  });
  assert.deepEqual([yaml.status, yaml.body.data], [201, { a: "b" }], yaml.text);
  const cbor = await f.send("POST", configMaps, "x", { "content-type": "application/cbor" });
  assert.equal(cbor.status, 415);
  assert.match(
    cbor.body.message,
    /accepted media types include: application\/json, application\/yaml, application\/vnd.kubernetes.protobuf$/,
  );
  const big = await f.send("POST", configMaps, "x".repeat(bodyBytesMax + 1));
  assert.deepEqual([big.status, big.body.reason], [413, "RequestEntityTooLarge"]);
  const value = "x".repeat(800_000);
  const stored = await f.send("POST", configMaps, { metadata: { name: "big" }, data: { a: value, b: value } });
  assert.equal(stored.status, 413);
  assert.match(stored.body.message, /the object has \d+ bytes, the limit is 1572864/);
  const empty = await f.send("POST", configMaps);
  assert.equal(empty.status, 400);
  await f.close();
});

Deno.test("create() generates names, and other ones when they are taken", async () => {
  const f = await createFixture();
  const { body } = await f.send("POST", configMaps, { metadata: { generateName: "web-" } });
  assert.match(body.metadata.name, /^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  const same = { number: () => 0, uuid: () => "u", bytes: (n: number) => new Uint8Array(n) };
  const stuck = await createFixture({ random: same });
  assert.equal((await stuck.send("POST", configMaps, { metadata: { generateName: "w-" } })).status, 201);
  const answer = await stuck.send("POST", configMaps, { metadata: { generateName: "w-" } });
  assert.deepEqual([answer.status, answer.headers.get("retry-after")], [409, "1"]);
  assert.match(answer.body.message, /the server was not able to generate a unique name for the object$/);
  const long = await f.send("POST", configMaps, { metadata: { generateName: "x".repeat(70) } });
  assert.equal(long.body.metadata.name.length, 63);
  await stuck.close();
  await f.close();
});

Deno.test("create() with dryRun=All does everything but persist", async () => {
  const f = await createFixture();
  const services = "/api/v1/namespaces/d/services";
  const before = await f.store.revision();
  const dry = await f.send("POST", `${services}?dryRun=All`, { metadata: { name: "s" }, spec: {} });
  assert.deepEqual([dry.status, dry.body.spec.clusterIP, dry.body.metadata.resourceVersion], [
    201,
    "10.0.0.1",
    undefined,
  ]);
  assert.equal(await f.store.revision(), before);
  assert.equal((await f.store.claimed("clusterip")).size, 0);
  assert.equal((await f.send("POST", services, { metadata: { name: "s" }, spec: {} })).body.spec.clusterIP, "10.0.0.1");
  const taken = await f.send("POST", `${services}?dryRun=All`, {
    metadata: { name: "t" },
    spec: { clusterIP: "10.0.0.1" },
  });
  assert.equal(taken.status, 422);
  const there = await f.send("POST", `${services}?dryRun=All`, { metadata: { name: "s" }, spec: {} });
  assert.deepEqual([there.status, there.body.reason], [409, "AlreadyExists"]);
  await f.close();
});

Deno.test("create() gives every Service an address of its own, however many ask at once", async () => {
  const f = await createFixture();
  const made = await Promise.all(
    ["a", "b", "c", "d"].map((name) =>
      f.send("POST", "/api/v1/namespaces/d/services", { metadata: { name }, spec: {} })
    ),
  );
  const addresses = made.map(({ body }) => body.spec.clusterIP).sort();
  assert.deepEqual(addresses, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]);
  await f.send("DELETE", "/api/v1/namespaces/d/services/b");
  const again = await f.send("POST", "/api/v1/namespaces/d/services", { metadata: { name: "e" }, spec: {} });
  assert.equal(again.status, 201, again.text);
  await f.close();
});

Deno.test("create() warns of unknown and repeated fields, once each", async () => {
  const f = await createFixture();
  const body = '{"metadata":{"name":"a"},"data":{"x":"1"},"data":{"x":"2"},"foo":1}';
  const { status, headers, body: made } = await f.send("POST", configMaps, body);
  assert.equal(status, 201);
  assert.equal(headers.get("warning"), '299 - "duplicate field \\"data\\"", 299 - "unknown field \\"foo\\""');
  assert.deepEqual([made.data, made.foo], [{ x: "2" }, undefined]);
  const ignored = await f.send("POST", `${configMaps}?fieldValidation=Ignore`, { metadata: { name: "b" }, foo: 1 });
  assert.deepEqual([ignored.status, ignored.headers.get("warning")], [201, null]);
  await f.close();
});

Deno.test("a create that meets an object in deletion says so", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a", finalizers: ["example.com/x"] } });
  await f.send("DELETE", `${configMaps}/a`);
  const { body } = await f.send("POST", configMaps, { metadata: { name: "a" } });
  assert.equal(body.message, 'object is being deleted: configmaps "a" already exists');
  await f.close();
});

Deno.test("every verb of a resource that does not have it is refused", async () => {
  const reading = sampleResources.map((r) => ({ ...r, verbs: ["get" as const, "list" as const] }));
  const f = await createFixture({ resources: reading });
  for (const [method, path] of [["POST", configMaps], ["PUT", `${configMaps}/a`], ["DELETE", configMaps]] as const) {
    assert.equal((await f.send(method, path, {})).status, 405, method);
  }
  assert.equal((await f.send("GET", `${configMaps}?watch=1`)).status, 405);
  await f.close();
});
