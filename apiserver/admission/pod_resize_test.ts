/** `pods/resize` through the whole server: who may, what admission says, what comes of it. */
import assert from "assert";
import * as kinds from "../../lib/types/kinds.ts";
import { createSecured, type Secured, someone } from "../../tests/harness/secured.ts";

const root = someone("root", "system:masters");
const api = "/api/v1/namespaces/default";
const strategic = { "content-type": "application/strategic-merge-patch+json" };
const amounts = (cpu: string, memory = "64Mi") => ({ requests: { cpu, memory }, limits: { cpu, memory } });
const patch = (resources: object) => ({ spec: { containers: [{ name: "c", resources }] } });

function scene(name: string, run: (s: Secured) => Promise<void>): void {
  Deno.test(name, async () => {
    const s = await createSecured();
    try {
      await s.admin.create(kinds.ServiceAccount, { metadata: { name: "default", namespace: "default" } });
      const node = await s.admin.create(kinds.Node, { metadata: { name: "n1" }, spec: {} });
      node.status = { allocatable: { cpu: "4", memory: "1Gi", pods: "10" } };
      await s.admin.update(kinds.Node, node, { subresource: "status" });
      const spec = { nodeName: "n1", containers: [{ name: "c", image: "i", resources: amounts("1") }] };
      const answer = await s.as(root, "POST", `${api}/pods`, { metadata: { name: "p" }, spec });
      assert.equal(answer.status, 201, answer.text);
      await s.fixture.cache.fresh();
      await run(s);
    } finally {
      await s.close();
    }
  });
}

const resize = (s: Secured, resources: object, user = root) =>
  s.as(user, "PATCH", `${api}/pods/p/resize`, patch(resources), strategic);

scene("pods/resize is read, patched, put and applied", async (s) => {
  const patched = await resize(s, amounts("2"));
  assert.equal(patched.status, 200, patched.text);
  assert.deepEqual(patched.body.spec.containers[0].resources, amounts("2"));
  assert.equal(patched.body.metadata.generation, 2);
  const got = await s.as(root, "GET", `${api}/pods/p/resize`);
  assert.deepEqual(got.body.spec.containers[0].resources, amounts("2"));
  got.body.spec.containers[0].resources = amounts("3");
  const put = await s.as(root, "PUT", `${api}/pods/p/resize`, got.body);
  assert.deepEqual([put.status, put.body.metadata.generation], [200, 3], put.text);
  const stale = await s.as(root, "PUT", `${api}/pods/p/resize`, got.body);
  assert.equal(stale.status, 409);
  const config = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, ...patch(amounts("1500m")) };
  const owned = { "content-type": "application/apply-patch+yaml" };
  const applied = await s.as(root, "PATCH", `${api}/pods/p/resize?fieldManager=vpa&force=true`, config, owned);
  assert.deepEqual(applied.body.spec.containers[0].resources, amounts("1500m"), applied.text);
  const manager = applied.body.metadata.managedFields.find((one: { manager: string }) => one.manager === "vpa");
  assert.equal(manager.subresource, "resize");
  assert.deepEqual(Object.keys(manager.fieldsV1["f:spec"]["f:containers"]['k:{"name":"c"}']).sort(), [
    ".",
    "f:name",
    "f:resources",
  ]);
  const whole = await s.as(root, "PATCH", `${api}/pods/p`, patch(amounts("1")), strategic);
  assert.equal(whole.status, 422, "elsewhere they stay as they are");
});

scene("podResizeValidator refuses what the pod's node could never grant", async (s) => {
  const much = await resize(s, amounts("5", "2Gi"));
  assert.equal(much.status, 403);
  assert.equal(
    much.body.message,
    'pods "p" is forbidden: node didn\'t have enough allocatable resources: cpu, requested: 5000, allocatable: 4000; ' +
      "memory, requested: 2147483648, allocatable: 1073741824",
  );
  assert.deepEqual(much.body.details.causes, [{ reason: "NodeCapacity" }]);
  await s.admin.delete(kinds.Node, { name: "n1" });
  await s.fixture.cache.fresh();
  const nowhere = await resize(s, amounts("2"));
  assert.equal(nowhere.body.message, 'pods "p" is forbidden: node "n1" not found');
  assert.equal((await resize(s, amounts("1"))).status, 200, "what asks for nothing new is not asked about");
});

scene("resourceQuota and limitRanger look at a resize as at a new pod", async (s) => {
  const quota = { metadata: { name: "q" }, spec: { hard: { "requests.cpu": "2" } } };
  assert.equal((await s.as(root, "POST", `${api}/resourcequotas`, quota)).status, 201);
  const limits = [{ type: "Container", max: { memory: "128Mi" } }];
  const range = { metadata: { name: "l" }, spec: { limits } };
  assert.equal((await s.as(root, "POST", `${api}/limitranges`, range)).status, 201);
  await s.fixture.cache.fresh();
  const much = await resize(s, amounts("2500m"));
  assert.equal(
    much.body.message,
    'pods "p" is forbidden: exceeded quota: q, requested: requests.cpu=1500m, used: requests.cpu=1, limited: requests.cpu=2',
  );
  const large = await resize(s, amounts("1", "256Mi"));
  assert.equal(
    large.body.message,
    'pods "p" is forbidden: maximum memory usage per Container is 128Mi, but limit is 256Mi',
  );
  assert.equal((await resize(s, amounts("2", "128Mi"))).status, 200);
  assert.equal((await resize(s, amounts("500m", "128Mi"))).status, 200);
});

scene("a resourceQuota counts a pod with what it still has", async (s) => {
  const quota = { metadata: { name: "q" }, spec: { hard: { "requests.cpu": "2" } } };
  await s.as(root, "POST", `${api}/resourcequotas`, quota);
  const has = { name: "c", image: "i", imageID: "", ready: true, restartCount: 0, state: { running: {} } };
  const status = { containerStatuses: [{ ...has, resources: amounts("1"), allocatedResources: { cpu: "1" } }] };
  assert.equal((await s.as(root, "PATCH", `${api}/pods/p/status`, { status }, strategic)).status, 200);
  assert.equal((await resize(s, amounts("500m"))).status, 200);
  await s.fixture.cache.fresh();
  const other = {
    metadata: { name: "o" },
    spec: { containers: [{ name: "c", image: "i", resources: amounts("1500m") }] },
  };
  const refused = await s.as(root, "POST", `${api}/pods`, other);
  assert.match(refused.body.message, /requested: requests.cpu=1500m, used: requests.cpu=1, limited: requests.cpu=2$/);
});

scene("pods/resize is a right of its own", async (s) => {
  const editor = someone("eve");
  const binding = {
    metadata: { name: "eve" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "eve" }],
  };
  await s.as(root, "POST", "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings", binding);
  await s.fixture.cache.fresh();
  const answer = await resize(s, amounts("2"), editor);
  assert.equal(answer.status, 403);
  assert.match(answer.body.message, /cannot patch resource "pods\/resize" in API group ""/);
});
