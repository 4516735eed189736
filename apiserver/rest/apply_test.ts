import assert from "assert";
import { createFixture } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";
const deployments = "/apis/apps/v1/namespaces/d/deployments";
const apply = { "content-type": "application/apply-patch+yaml" };
const merge = { "content-type": "application/merge-patch+json" };
const configMap = (data: Record<string, string>, metadata = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", ...metadata },
  data,
});

Deno.test("an apply creates, changes, and takes away what it no longer says", async () => {
  const f = await createFixture();
  const url = `${configMaps}/a?fieldManager=me`;
  const made = await f.send("PATCH", url, configMap({ x: "1", y: "2" }), apply);
  assert.deepEqual([made.status, made.body.data], [201, { x: "1", y: "2" }], made.text);
  assert.deepEqual([made.body.metadata.managedFields.length, made.body.metadata.managedFields[0].operation], [
    1,
    "Apply",
  ]);
  const revision = await f.store.revision();
  assert.equal((await f.send("PATCH", url, configMap({ x: "1", y: "2" }), apply)).status, 200);
  assert.equal(await f.store.revision(), revision, "the same again changes nothing");
  const changed = await f.send("PATCH", url, configMap({ x: "3" }), apply);
  assert.deepEqual([changed.status, changed.body.data], [200, { x: "3" }]);
  await f.close();
});

Deno.test("an apply conflicts with other owners, unless it is forced", async () => {
  const f = await createFixture();
  await f.send("PATCH", `${configMaps}/a?fieldManager=me`, configMap({ x: "1", y: "1" }), apply);
  const refused = await f.send("PATCH", `${configMaps}/a?fieldManager=you`, configMap({ x: "2" }), apply);
  assert.deepEqual([refused.status, refused.body.reason], [409, "Conflict"]);
  assert.deepEqual(refused.body.details.causes, [
    { reason: "FieldManagerConflict", message: 'conflict with "me"', field: ".data.x" },
  ]);
  const shared = await f.send("PATCH", `${configMaps}/a?fieldManager=you`, configMap({ x: "1" }), apply);
  assert.equal(shared.status, 200);
  const dropped = await f.send("PATCH", `${configMaps}/a?fieldManager=me`, configMap({ y: "1" }), apply);
  assert.deepEqual(dropped.body.data, { x: "1", y: "1" }, "somebody else owns x, too");
  const forced = await f.send(
    "PATCH",
    `${configMaps}/a?fieldManager=me&force=true`,
    configMap({ x: "9", y: "1" }),
    apply,
  );
  assert.deepEqual([forced.status, forced.body.data.x], [200, "9"]);
  await f.close();
});

Deno.test("an apply refuses what it can't be", async () => {
  const f = await createFixture();
  const url = `${configMaps}/a?fieldManager=me`;
  const table: [string, unknown, number, string][] = [
    [`${configMaps}/a`, configMap({}), 422, "fieldManager: Required value: is required for apply patch"],
    [url, configMap({}, { name: "b" }), 400, "the name of the object (b) does not match the name on the URL (a)"],
    [url, { ...configMap({}), foo: 1 }, 400, ".foo: field not declared in schema"],
    [url, { ...configMap({}), apiVersion: "v2" }, 400, "Incorrect version specified in apply patch"],
    [url, configMap({}, { managedFields: [{ manager: "x" }] }), 400, "metadata.managedFields must be nil"],
    [
      url,
      configMap({}, { uid: "u" }),
      409,
      "uid mismatch: the provided object specified uid u, and no existing object was found",
    ],
    [url, "{", 400, "error decoding YAML"],
    [url, "- a", 400, "not an object"],
    [
      `${deployments}/w/status?fieldManager=me`,
      { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "w" } },
      404,
      'deployments.apps "w" not found',
    ],
  ];
  for (const [path, body, status, message] of table) {
    const answer = await f.send("PATCH", path, body, apply);
    assert.equal(answer.status, status, answer.text);
    assert.ok(answer.body.message.includes(message), answer.body.message);
  }
  await f.close();
});

Deno.test("ordinary writes are recorded as their managers', and never conflict", async () => {
  const f = await createFixture();
  await f.send("POST", `${configMaps}?fieldManager=maker`, configMap({ x: "1" }));
  const agent = { ...merge, "user-agent": "kubectl/v1.33 (linux/amd64)" };
  const { body } = await f.send("PATCH", `${configMaps}/a`, { data: { y: "2" } }, agent);
  const owners = body.metadata.managedFields.map((m: { manager: string; operation: string; fieldsV1: object }) => [
    m.manager,
    m.operation,
    m.fieldsV1,
  ]);
  assert.deepEqual(owners, [
    ["kubectl", "Update", { "f:data": { "f:y": {} } }],
    ["maker", "Update", { "f:data": { ".": {}, "f:x": {} } }],
  ]);
  await f.close();
});

Deno.test("an apply to /status owns status fields only, and one to the object none of them", async () => {
  const f = await createFixture();
  const spec = { selector: {}, template: {} };
  await f.send("POST", `${deployments}?fieldManager=maker`, { metadata: { name: "w" }, spec });
  const config = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "w" },
    spec: { replicas: 7 },
    status: { replicas: 3 },
  };
  const status = await f.send("PATCH", `${deployments}/w/status?fieldManager=me`, config, apply);
  assert.deepEqual([status.status, status.body.spec.replicas, status.body.status.replicas], [200, 1, 3], status.text);
  const mine = status.body.metadata.managedFields.find((m: { manager: string }) => m.manager === "me");
  assert.deepEqual([mine.subresource, mine.fieldsV1], ["status", { "f:status": { "f:replicas": {} } }]);
  const whole = await f.send("PATCH", `${deployments}/w?fieldManager=me&force=true`, config, apply);
  assert.deepEqual([whole.body.spec.replicas, whole.body.status.replicas, whole.body.metadata.generation], [7, 3, 2]);
  await f.close();
});
