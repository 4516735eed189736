import assert from "assert";
import { createFixture, type Fixture } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";
const deployments = "/apis/apps/v1/namespaces/d/deployments";
const merge = { "content-type": "application/merge-patch+json" };
const jsonPatch = { "content-type": "application/json-patch+json" };

async function withDeployment(): Promise<Fixture> {
  const f = await createFixture();
  const spec = { replicas: 2, selector: {}, template: { spec: { containers: [{ name: "a", image: "b" }] } } };
  const { status } = await f.send("POST", deployments, { metadata: { name: "w" }, spec });
  assert.equal(status, 201);
  return f;
}

Deno.test("update() keeps what is the server's, and counts generations of the spec only", async () => {
  const f = await withDeployment();
  const old = (await f.send("GET", `${deployments}/w`)).body;
  assert.equal(old.metadata.generation, 1);
  const labelled = { ...old, metadata: { name: "w", labels: { a: "b" } }, status: { replicas: 9 } };
  const first = (await f.send("PUT", `${deployments}/w`, labelled)).body;
  assert.deepEqual([first.metadata.generation, first.metadata.uid, first.status, first.metadata.labels], [
    1,
    old.metadata.uid,
    {},
    { a: "b" },
  ]);
  const scaled = { ...first, spec: { ...first.spec, replicas: 3 }, metadata: { ...first.metadata, generation: 50 } };
  const second = (await f.send("PUT", `${deployments}/w`, scaled)).body;
  assert.deepEqual([second.metadata.generation, second.spec.replicas], [2, 3]);
  await f.close();
});

Deno.test("/status writes the status and metadata only, and the spec the other way round", async () => {
  const f = await withDeployment();
  const old = (await f.send("GET", `${deployments}/w`)).body;
  const body = { ...old, spec: { ...old.spec, replicas: 77 }, status: { replicas: 2, observedGeneration: 1 } };
  const answer = await f.send("PUT", `${deployments}/w/status`, body);
  assert.deepEqual([answer.status, answer.body.spec.replicas, answer.body.status.replicas], [200, 2, 2]);
  assert.equal(answer.body.metadata.generation, 1);
  const patched = await f.send(
    "PATCH",
    `${deployments}/w/status`,
    { spec: { replicas: 5 }, status: { replicas: 3 } },
    merge,
  );
  assert.deepEqual([patched.body.spec.replicas, patched.body.status.replicas], [2, 3]);
  const whole = await f.send("PATCH", `${deployments}/w`, { status: { replicas: 8 }, spec: { paused: true } }, merge);
  assert.deepEqual([whole.body.status.replicas, whole.body.spec.paused], [3, true]);
  assert.equal((await f.send("GET", `${deployments}/w/status`)).body.status.replicas, 3);
  assert.equal((await f.send("PUT", `${configMaps}/x/status`, {})).status, 404);
  await f.close();
});

Deno.test("update() refuses in Kubernetes' words", async () => {
  const f = await createFixture();
  const { body: old } = await f.send("POST", configMaps, { metadata: { name: "a" } });
  const conflict =
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again';
  const lease = { metadata: { name: "l" } };
  await f.send("POST", "/apis/coordination.k8s.io/v1/namespaces/d/leases", lease);
  const table: [string, unknown, number, string][] = [
    [`${configMaps}/a`, { metadata: { name: "a", resourceVersion: "99" } }, 409, conflict],
    [
      `${configMaps}/a`,
      { metadata: { name: "a", uid: "u" } },
      409,
      `Operation cannot be fulfilled on configmaps "a": Precondition failed: UID in precondition: u, UID in object meta: ${old.metadata.uid}`,
    ],
    [
      `${configMaps}/a`,
      { metadata: { name: "b" } },
      400,
      "the name of the object (b) does not match the name on the URL (a)",
    ],
    [
      `${configMaps}/a`,
      { metadata: {} },
      400,
      "the name of the object (a based on URL) was undeterminable: name must be provided",
    ],
    [
      `${configMaps}/a`,
      { metadata: { name: "a", namespace: "x" } },
      400,
      "the namespace of the provided object does not match the namespace sent on the request",
    ],
    [`${configMaps}/none`, { metadata: { name: "none" } }, 404, 'configmaps "none" not found'],
    [
      `${configMaps}/a`,
      { metadata: { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z" } },
      422,
      'ConfigMap "a" is invalid: metadata.deletionTimestamp: Invalid value: "2026-01-01T00:00:00Z": field is immutable',
    ],
    [
      "/apis/coordination.k8s.io/v1/namespaces/d/leases/l",
      lease,
      422,
      'Lease.coordination.k8s.io "l" is invalid: metadata.resourceVersion: Invalid value: 0: must be specified for an update',
    ],
  ];
  for (const [path, body, status, message] of table) {
    const answer = await f.send("PUT", path, body);
    assert.deepEqual([answer.status, answer.body.message], [status, message]);
  }
  await f.close();
});

Deno.test("a write that changes nothing moves no revision", async () => {
  const f = await withDeployment();
  const { body: old, text } = await f.send("GET", `${deployments}/w`);
  const revision = await f.store.revision();
  const { metadata, spec, ...rest } = old;
  // Other order, defaults left out, status ignored.
  const { protocol: _, ...same } = { ...spec, protocol: 1 };
  const answers = [
    await f.send("PUT", `${deployments}/w`, { spec: same, ...rest, metadata }),
    await f.send("PATCH", `${deployments}/w`, { spec: { replicas: 2 } }, merge),
    await f.send("PATCH", `${deployments}/w`, [], jsonPatch),
    await f.send("PATCH", `${deployments}/w/scale`, { spec: { replicas: 2 } }, merge),
  ];
  for (const answer of answers) assert.equal(answer.status, 200, answer.text);
  assert.equal(await f.store.revision(), revision);
  assert.equal((await f.send("GET", `${deployments}/w`)).text, text);
  await f.close();
});

Deno.test("PUT creates only what may be created so", async () => {
  const f = await createFixture();
  const leases = "/apis/coordination.k8s.io/v1/namespaces/d/leases";
  const made = await f.send("PUT", `${leases}/l`, { metadata: { name: "l" }, spec: { holderIdentity: "a" } });
  assert.deepEqual([made.status, made.body.spec.holderIdentity], [201, "a"]);
  const stale = await f.send("PUT", `${leases}/m`, { metadata: { name: "m", resourceVersion: "3" } });
  assert.equal(stale.status, 409);
  await f.close();
});

Deno.test("patches without a resourceVersion are all applied, whoever else writes", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a" } });
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => f.send("PATCH", `${configMaps}/a`, { data: { [`k${i}`]: "v" } }, merge)),
  );
  assert.deepEqual([...new Set(answers.map((a) => a.status))], [200]);
  assert.equal(Object.keys((await f.send("GET", `${configMaps}/a`)).body.data).length, 30);
  await f.close();
});

Deno.test("a resourceVersion in a patch is a precondition", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a" } });
  const wrong = await f.send(
    "PATCH",
    `${configMaps}/a`,
    { metadata: { resourceVersion: "9" }, data: { a: "b" } },
    merge,
  );
  assert.deepEqual([wrong.status, wrong.body.reason], [409, "Conflict"]);
  const right = await f.send(
    "PATCH",
    `${configMaps}/a`,
    { metadata: { resourceVersion: "1" }, data: { a: "b" } },
    merge,
  );
  assert.equal(right.status, 200);
  await f.close();
});

Deno.test("patch() refuses what is no patch, and what makes no object of the kind", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a" }, data: { x: "1" } });
  const type = (type: string) => ({ "content-type": type });
  const table: [unknown, Record<string, string>, number, RegExp][] = [
    [{}, type("application/json"), 415, /accepted media types include: application\/json-patch\+json, /],
    [[], merge, 400, /^error decoding patch/],
    ["{", merge, 400, /^error decoding patch/],
    [{}, jsonPatch, 400, /^error decoding patch/],
    [[{ op: "test", path: "/data/x", value: "2" }], jsonPatch, 422, /^the server rejected our request/],
    [{ data: { x: { y: "z" } } }, merge, 422, /cannot unmarshal object/],
    [{ metadata: { name: "b" } }, merge, 400, /does not match the name on the URL/],
    [{ kind: "Secret" }, merge, 400, /may not change apiVersion or kind/],
  ];
  for (const [body, headers, status, message] of table) {
    const answer = await f.send("PATCH", `${configMaps}/a`, body, headers);
    assert.equal(answer.status, status, answer.text);
    assert.match(answer.body.message, message);
  }
  const strict = await f.send("PATCH", `${configMaps}/a?fieldValidation=Strict`, { foo: 1 }, merge);
  assert.equal(strict.status, 422);
  assert.match(strict.body.message, /strict decoding error: unknown field "foo"/);
  const forced = await f.send("PATCH", `${configMaps}/a?force=true`, {}, merge);
  assert.match(forced.body.message, /force: Forbidden: may not be specified for non-apply patch/);
  const missing = await f.send("PATCH", `${configMaps}/none`, {}, merge);
  assert.deepEqual([missing.status, missing.body.message], [404, 'configmaps "none" not found']);
  await f.close();
});

Deno.test("strategic merge patches merge lists by their keys", async () => {
  const f = await withDeployment();
  const patch = { spec: { template: { spec: { containers: [{ name: "side", image: "s" }] } } } };
  const { body } = await f.send("PATCH", `${deployments}/w`, patch, {
    "content-type": "application/strategic-merge-patch+json",
  });
  assert.deepEqual(body.spec.template.spec.containers.map((c: { name: string }) => c.name).sort(), ["a", "side"]);
  await f.close();
});

Deno.test("/scale reads and writes replicas as every other kind's", async () => {
  const f = await withDeployment();
  const absent = await f.send("GET", `${deployments}/x/scale`);
  assert.deepEqual([absent.status, absent.body.message], [404, 'deployments/scale.apps "x" not found']);
  const { body: scale } = await f.send("GET", `${deployments}/w/scale`);
  assert.deepEqual([scale.kind, scale.apiVersion, scale.spec, scale.status], [
    "Scale",
    "autoscaling/v1",
    { replicas: 2 },
    { replicas: 0, selector: "app=web" },
  ]);
  const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
  const table = (await f.send("GET", `${deployments}/w/scale`, undefined, asTable)).body;
  // deno-lint-ignore no-explicit-any
  assert.deepEqual(table.columnDefinitions.map((column: any) => column.name), ["Name", "Desired", "Available", "Age"]);
  assert.deepEqual(table.rows[0].cells, ["w", 2, 0, "0s"]);
  const put = await f.send("PUT", `${deployments}/w/scale`, { ...scale, spec: { replicas: 4 } });
  assert.deepEqual([put.status, put.body.spec.replicas], [200, 4]);
  const stale = await f.send("PUT", `${deployments}/w/scale`, { ...scale, spec: { replicas: 5 } });
  assert.equal(stale.status, 409);
  const negative = await f.send("PATCH", `${deployments}/w/scale`, { spec: { replicas: -1 } }, merge);
  assert.deepEqual([negative.status, negative.body.message], [
    422,
    'Scale.autoscaling "w" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
  ]);
  assert.equal((await f.send("GET", `${deployments}/w`)).body.metadata.generation, 2);
  await f.close();
});

Deno.test("subresources with a body of their own write their parent", async () => {
  const f = await createFixture();
  const pods = "/api/v1/namespaces/d/pods";
  await f.send("POST", pods, { metadata: { name: "p" }, spec: { containers: [{ name: "c" }] } });
  const body = { target: { name: "node-1" } };
  const bound = await f.send("POST", `${pods}/p/binding`, body);
  assert.deepEqual([bound.status, bound.body.status], [201, "Success"]);
  assert.equal((await f.send("GET", `${pods}/p`)).body.spec.nodeName, "node-1");
  assert.equal((await f.send("POST", `${pods}/p/binding`, {})).status, 422);
  assert.equal((await f.send("PUT", `${pods}/p/binding`, body)).status, 405);
  assert.equal((await f.send("POST", `${pods}/none/binding`, body)).status, 404);
  const moved = await f.send("PATCH", `${pods}/p`, { spec: { nodeName: "other" } }, merge);
  assert.equal(moved.status, 422);
  await f.close();
});
