import assert from "assert";
import type { KubeObject } from "../../lib/kind.ts";
import { PodDisruptionBudget } from "../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../lib/validation.ts";
import { createFixture, type Fixture, sampleResources } from "../../tests/harness/rest.ts";
import { defineResource, type Resource } from "./resource.ts";

const budgets = defineResource(PodDisruptionBudget, {
  definition: "io.k8s.api.policy.v1.PodDisruptionBudget",
  status: true,
}, isDNS1123Subdomain) as unknown as Resource;

const pods = "/api/v1/namespaces/d/pods";
const pdbs = "/apis/policy/v1/namespaces/d/poddisruptionbudgets";
const merge = { "content-type": "application/merge-patch+json" };

/** Pods p and q, ready and on a node, of app web; a budget b with this status. */
async function create(status: object, phase = "Running", ready = "True"): Promise<Fixture> {
  const f = await createFixture({ resources: [...sampleResources, budgets] });
  for (const name of ["p", "q"]) {
    const spec = { nodeName: "n", containers: [{ name: "c" }] };
    await f.send("POST", pods, { metadata: { name, labels: { app: "web" } }, spec });
    const conditions = [{ type: "Ready", status: ready }];
    await f.send("PATCH", `${pods}/${name}/status`, { status: { phase, conditions } }, merge);
  }
  await f.send("POST", pdbs, { metadata: { name: "b" }, spec: { selector: { matchLabels: { app: "web" } } } });
  assert.equal((await f.send("PATCH", `${pdbs}/b/status`, { status }, merge)).status, 200);
  return f;
}

Deno.test("an eviction spends its budget, and is refused when that is spent", async () => {
  const f = await create({ observedGeneration: 1, disruptionsAllowed: 1, desiredHealthy: 1, currentHealthy: 2 });
  assert.equal((await f.send("POST", `${pods}/p/eviction`, {})).status, 201);
  const { status } = (await f.send("GET", `${pdbs}/b`)).body;
  assert.deepEqual([status.disruptionsAllowed, Object.keys(status.disruptedPods)], [0, ["p"]]);
  const refused = await f.send("POST", `${pods}/q/eviction`, {});
  assert.deepEqual([refused.status, refused.body.reason, refused.body.message], [
    429,
    "TooManyRequests",
    "Cannot evict pod as it would violate the pod's disruption budget.",
  ]);
  assert.deepEqual(refused.body.details.causes, [
    { reason: "DisruptionBudget", message: "The disruption budget b needs 1 healthy pods and has 2 currently" },
  ]);
  assert.equal((await f.send("GET", `${pods}/q`)).body.metadata.deletionTimestamp, undefined);
  await f.close();
});

Deno.test("evictions of the same budget at once never spend it twice", async () => {
  const f = await create({ observedGeneration: 1, disruptionsAllowed: 1, desiredHealthy: 1, currentHealthy: 2 });
  const answers = await Promise.all(["p", "q"].map((name) => f.send("POST", `${pods}/${name}/eviction`, {})));
  assert.deepEqual(answers.map((a) => a.status).sort(), [201, 429]);
  await f.close();
});

Deno.test("a dry-run eviction asks the budget and leaves it", async () => {
  const f = await create({ observedGeneration: 1, disruptionsAllowed: 1 });
  const { status } = await f.send("POST", `${pods}/p/eviction`, { deleteOptions: { dryRun: ["All"] } });
  assert.equal(status, 201);
  assert.equal((await f.send("GET", `${pdbs}/b`)).body.status.disruptionsAllowed, 1);
  const pod: KubeObject = (await f.send("GET", `${pods}/p`)).body;
  assert.equal(pod.metadata.deletionTimestamp, undefined);
  await f.close();
});

Deno.test("budgets are asked only about pods that they guard", async () => {
  const none = { observedGeneration: 1, disruptionsAllowed: 0, desiredHealthy: 2, currentHealthy: 1 };
  const enough = { ...none, currentHealthy: 2 };
  const table: [object, string, string, number][] = [
    [none, "Running", "True", 429],
    [none, "Pending", "False", 201],
    [none, "Succeeded", "False", 201],
    [none, "Running", "False", 429],
    [enough, "Running", "False", 201],
    [{ ...enough, observedGeneration: 0 }, "Running", "True", 429],
  ];
  for (const [status, phase, ready, want] of table) {
    const f = await create(status, phase, ready);
    const answer = await f.send("POST", `${pods}/p/eviction`, {});
    assert.equal(answer.status, want, `${phase} ${ready} ${answer.text}`);
    await f.close();
  }
});

Deno.test("a pod of two budgets can't be evicted", async () => {
  const f = await create({ observedGeneration: 1, disruptionsAllowed: 1 });
  await f.send("POST", pdbs, { metadata: { name: "c" }, spec: { selector: {} } });
  const { status, body } = await f.send("POST", `${pods}/p/eviction`, {});
  assert.deepEqual([status, body.message], [
    500,
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
  ]);
  await f.close();
});
