import assert from "assert";
import type { KubeObject } from "../../lib/kind.ts";
import { createFixture, type Fixture, sampleResources } from "../../tests/harness/rest.ts";
import { type DeleteOptions, planDelete } from "./delete_plan.ts";
import { seededRandom } from "../../lib/seams/random.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";
const pods = "/api/v1/namespaces/d/pods";
const merge = { "content-type": "application/merge-patch+json" };

/** A pod that is on a node when `node` is given. */
async function withPod(node?: string, finalizers?: string[]): Promise<Fixture> {
  const f = await createFixture();
  const spec = { containers: [{ name: "c" }], nodeName: node, terminationGracePeriodSeconds: 30 };
  assert.equal((await f.send("POST", pods, { metadata: { name: "p", finalizers }, spec })).status, 201);
  return f;
}

Deno.test("remove() answers a Status with what was deleted", async () => {
  const f = await createFixture();
  const { body } = await f.send("POST", configMaps, { metadata: { name: "a" } });
  const gone = await f.send("DELETE", `${configMaps}/a`);
  assert.deepEqual([gone.status, gone.body], [200, {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: "a", kind: "configmaps", uid: body.metadata.uid },
  }]);
  const again = await f.send("DELETE", `${configMaps}/a`);
  assert.deepEqual([again.status, again.body.reason], [404, "NotFound"]);
  await f.close();
});

Deno.test("remove() takes its options from the body, or from the query", async () => {
  const f = await withPod("n");
  const table: [string, unknown, number, string][] = [
    [
      "",
      { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid: "x" } },
      409,
      "the UID in the precondition (x) does not match the UID in record",
    ],
    [
      "",
      { preconditions: { resourceVersion: "99" } },
      409,
      "the ResourceVersion in the precondition (99) does not match the ResourceVersion in record (1)",
    ],
    [
      "",
      { propagationPolicy: "Maybe" },
      422,
      'propagationPolicy: Unsupported value: "Maybe": supported values: "Foreground", "Background", "Orphan", "nil"',
    ],
    [
      "",
      { propagationPolicy: "Orphan", orphanDependents: true },
      422,
      "orphanDependents and deletionPropagation cannot be both set",
    ],
    ["?propagationPolicy=Maybe", undefined, 422, "propagationPolicy: Unsupported value"],
    ["?gracePeriodSeconds=soon", undefined, 400, 'strconv.ParseInt: parsing "soon": invalid syntax'],
    ["?dryRun=Yes", undefined, 422, 'dryRun: Unsupported value: ["Yes"]: supported values: "All"'],
    ["", { kind: "Pod", apiVersion: "v1" }, 400, "cannot be handled as a DeleteOptions"],
    ["", "{", 400, "DeleteOptions"],
  ];
  for (const [query, body, status, message] of table) {
    const answer = await f.send("DELETE", `${pods}/p${query}`, body);
    assert.equal(answer.status, status, answer.text);
    assert.ok(answer.body.message.includes(message), answer.body.message);
  }
  const dry = await f.send("DELETE", `${pods}/p?dryRun=All&gracePeriodSeconds=7`);
  assert.equal(dry.body.metadata.deletionGracePeriodSeconds, 7);
  assert.equal((await f.send("GET", `${pods}/p`)).body.metadata.deletionTimestamp, undefined);
  await f.close();
});

Deno.test("a graceful deletion may be shortened and not prolonged", async () => {
  const f = await withPod("n");
  const first = await f.send("DELETE", `${pods}/p`);
  assert.deepEqual([
    first.status,
    first.body.metadata.deletionGracePeriodSeconds,
    first.body.metadata.deletionTimestamp,
  ], [
    200,
    30,
    "2026-01-01T00:00:30Z",
  ]);
  assert.equal(first.body.metadata.generation, 2);
  const revision = await f.store.revision();
  const longer = await f.send("DELETE", `${pods}/p`, { gracePeriodSeconds: 60 });
  assert.deepEqual([longer.status, longer.body.metadata.deletionGracePeriodSeconds], [200, 30]);
  assert.equal(await f.store.revision(), revision);
  const shorter = await f.send("DELETE", `${pods}/p`, { gracePeriodSeconds: 10 });
  assert.deepEqual(
    [shorter.body.metadata.deletionGracePeriodSeconds, shorter.body.metadata.deletionTimestamp],
    [10, "2026-01-01T00:00:10Z"],
  );
  const negative = await f.send("DELETE", `${pods}/p`, { gracePeriodSeconds: -5 });
  assert.equal(negative.body.metadata.deletionGracePeriodSeconds, 1);
  const gone = await f.send("DELETE", `${pods}/p?gracePeriodSeconds=0`);
  assert.deepEqual([gone.status, gone.body.kind, gone.body.metadata.deletionGracePeriodSeconds], [200, "Pod", 0]);
  assert.equal((await f.send("GET", `${pods}/p`)).status, 404);
  await f.close();
});

Deno.test("a pod that is on no node goes at once", async () => {
  const f = await withPod();
  const { body } = await f.send("DELETE", `${pods}/p`);
  assert.deepEqual([body.kind, body.metadata.deletionGracePeriodSeconds], ["Pod", 0]);
  assert.equal((await f.send("GET", `${pods}/p`)).status, 404);
  await f.close();
});

Deno.test("an object with finalizers waits for them, and goes with the last one", async () => {
  const f = await createFixture();
  await f.send("POST", configMaps, { metadata: { name: "a", finalizers: ["x.io/a", "x.io/b"] } });
  const marked = await f.send("DELETE", `${configMaps}/a`);
  assert.deepEqual([marked.status, marked.body.kind, marked.body.metadata.deletionTimestamp], [
    200,
    "ConfigMap",
    "2026-01-01T00:00:00Z",
  ]);
  const revision = await f.store.revision();
  assert.equal((await f.send("DELETE", `${configMaps}/a`)).status, 200);
  assert.equal(await f.store.revision(), revision, "a second DELETE changes nothing");
  const added = await f.send("PATCH", `${configMaps}/a`, { metadata: { finalizers: ["x.io/a", "x.io/c"] } }, merge);
  assert.equal(
    added.body.message,
    'ConfigMap "a" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x.io/c"}',
  );
  const first = await f.send("PATCH", `${configMaps}/a`, { metadata: { finalizers: ["x.io/a"] } }, merge);
  assert.equal(first.status, 200);
  assert.equal((await f.send("GET", `${configMaps}/a`)).status, 200);
  const last = await f.send("PATCH", `${configMaps}/a`, { metadata: { finalizers: null } }, merge);
  assert.equal(last.status, 200);
  assert.equal((await f.send("GET", `${configMaps}/a`)).status, 404);
  await f.close();
});

Deno.test("a pod with finalizers and a grace goes when both are over", async () => {
  const f = await withPod("n", ["x.io/a"]);
  await f.send("DELETE", `${pods}/p`);
  await f.send("PATCH", `${pods}/p`, { metadata: { finalizers: null } }, merge);
  assert.equal((await f.send("GET", `${pods}/p`)).status, 200, "its grace is not over");
  await f.send("DELETE", `${pods}/p?gracePeriodSeconds=0`);
  assert.equal((await f.send("GET", `${pods}/p`)).status, 404);
  await f.close();
});

Deno.test("a Namespace is Terminating until its spec.finalizers are gone", async () => {
  const f = await createFixture();
  await f.send("POST", "/api/v1/namespaces", { metadata: { name: "n" } });
  const { body } = await f.send("DELETE", "/api/v1/namespaces/n");
  assert.deepEqual(
    [body.status.phase, body.metadata.deletionTimestamp, body.metadata.deletionGracePeriodSeconds],
    ["Terminating", "2026-01-01T00:00:00Z", undefined],
  );
  const { status } = await f.send("PUT", "/api/v1/namespaces/n/finalize", { metadata: { name: "n" }, spec: {} });
  assert.equal(status, 200);
  assert.equal((await f.send("GET", "/api/v1/namespaces/n")).status, 404);
  await f.close();
});

Deno.test("removeCollection() deletes what the selectors choose and answers it", async () => {
  const f = await createFixture();
  for (const name of ["a", "b", "c"]) {
    const labels = { team: name === "c" ? "y" : "x" };
    await f.send("POST", configMaps, { metadata: { name, labels } });
  }
  const gone = await f.send("DELETE", `${configMaps}?labelSelector=team%3Dx`);
  assert.deepEqual([gone.status, gone.body.kind, gone.body.items.length], [200, "ConfigMapList", 2]);
  const left = (await f.send("GET", configMaps)).body.items.map((o: KubeObject) => o.metadata.name);
  assert.deepEqual(left, ["c"]);
  assert.equal((await f.send("DELETE", "/api/v1/configmaps")).status, 405);
  await f.close();
});

Deno.test("planDelete() sets the garbage collector's finalizers as asked", () => {
  const resource = sampleResources.find((r) => r.kind === "Deployment")!;
  const context = {
    now: Date.UTC(2026, 0, 1),
    random: seededRandom(1),
    config: { serviceCidr: "", nodePortRange: { from: 1, to: 2 }, clusterDomain: "" },
    user: { name: "u", groups: [] },
  };
  const table: [Partial<DeleteOptions>, string[] | undefined, "background" | "orphan", string[] | "removed"][] = [
    [{}, undefined, "background", "removed"],
    [{}, undefined, "orphan", ["orphan"]],
    [{ propagationPolicy: "Background" }, undefined, "orphan", "removed"],
    [{ propagationPolicy: "Foreground" }, undefined, "background", ["foregroundDeletion"]],
    [{ propagationPolicy: "Orphan" }, ["x.io/a"], "background", ["x.io/a", "orphan"]],
    [{ orphanDependents: true }, undefined, "background", ["orphan"]],
    [{ orphanDependents: false }, ["orphan"], "orphan", "removed"],
    [{}, ["foregroundDeletion"], "orphan", ["foregroundDeletion"]],
    [{ propagationPolicy: "Background" }, ["foregroundDeletion"], "background", "removed"],
    [{ propagationPolicy: "Foreground" }, ["orphan"], "background", ["foregroundDeletion"]],
  ];
  for (const [options, finalizers, dependents, want] of table) {
    const metadata = { name: "a", uid: "u", resourceVersion: "1", creationTimestamp: "", finalizers };
    const object = { apiVersion: "apps/v1", kind: "Deployment", metadata };
    const plan = planDelete({ ...resource, dependents }, object, { dryRun: false, ...options }, context);
    assert.deepEqual(plan.do === "mark" ? plan.object.metadata.finalizers : "removed", want, JSON.stringify(options));
    assert.deepEqual(object.metadata.finalizers, finalizers, "the object itself is read-only");
  }
});

Deno.test("an eviction without budgets is a deletion", async () => {
  const f = await withPod("n");
  await f.send("PATCH", `${pods}/p/status`, { status: { phase: "Running" } }, merge);
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name: "p", namespace: "d" } };
  const wrong = await f.send("POST", `${pods}/p/eviction`, { ...eviction, metadata: { name: "q" } });
  assert.deepEqual([wrong.status, wrong.body.message], [400, "name in URL does not match name in Eviction object"]);
  const { status, body } = await f.send("POST", `${pods}/p/eviction`, {
    ...eviction,
    deleteOptions: { gracePeriodSeconds: 5 },
  });
  assert.deepEqual([status, body.status], [201, "Success"], JSON.stringify(body));
  const pod = (await f.send("GET", `${pods}/p`)).body;
  assert.deepEqual([pod.metadata.deletionGracePeriodSeconds, pod.status.conditions[0].reason], [
    5,
    "EvictionByEvictionAPI",
  ]);
  assert.equal((await f.send("POST", `${pods}/none/eviction`, {})).status, 404);
  await f.close();
});
