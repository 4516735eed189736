import assert from "assert";
import { createSecured, type Secured, someone } from "../../tests/harness/secured.ts";
import * as kinds from "../../lib/types/kinds.ts";

const root = someone("root", "system:masters");
const api = "/api/v1/namespaces/default";

function scene(name: string, run: (s: Secured) => Promise<void>): void {
  Deno.test(name, async () => {
    const s = await createSecured();
    try {
      await s.admin.create(kinds.ServiceAccount, { metadata: { name: "default", namespace: "default" } });
      await run(s);
    } finally {
      await s.close();
    }
  });
}

const pod = (name: string, resources: object = {}, spec: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: "c", image: "i", resources }], ...spec },
});
const quota = async (s: Secured, spec: object, name = "q") => {
  const answer = await s.as(root, "POST", `${api}/resourcequotas`, { metadata: { name }, spec });
  assert.equal(answer.status, 201, answer.text);
  await s.fixture.cache.fresh();
};
const create = (s: Secured, body: object, plural = "pods", query = "") =>
  s.as(root, "POST", `${api}/${plural}${query}`, body);

scene("resourceQuota refuses what would be too much, in Kubernetes' words", async (s) => {
  await quota(s, { hard: { "requests.cpu": "1", pods: "2" } });
  assert.equal((await create(s, pod("a", { requests: { cpu: "600m" } }))).status, 201);
  const much = await create(s, pod("b", { requests: { cpu: "500m" } }));
  assert.equal(much.status, 403);
  assert.equal(
    much.body.message,
    'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: requests.cpu=600m, limited: requests.cpu=1',
  );
  const silent = await create(s, pod("b"));
  assert.equal(silent.body.message, 'pods "b" is forbidden: failed quota: q: must specify requests.cpu for: c');
  assert.equal((await create(s, pod("b", { requests: { cpu: "400m" } }))).status, 201);
  const third = await create(s, pod("c", { requests: { cpu: "0" } }));
  assert.match(third.body.message, /requested: pods=1, used: pods=2, limited: pods=2$/);
  await s.as(root, "DELETE", `${api}/pods/a`);
  assert.equal((await create(s, pod("c", { requests: { cpu: "600m" } }))).status, 201, "what went makes room at once");
});

scene("resourceQuota counts objects of every kind, and what a change of a Service adds", async (s) => {
  const hard = { "count/deployments.apps": "0", configmaps: "1", "services.nodeports": "1", services: "5" };
  await quota(s, { hard });
  const map = (name: string) => create(s, { metadata: { name } }, "configmaps");
  assert.equal((await map("a")).status, 201);
  assert.match(
    (await map("b")).body.message,
    /exceeded quota: q, requested: configmaps=1, used: configmaps=1, limited: configmaps=1/,
  );
  const deployments = "/apis/apps/v1/namespaces/default/deployments";
  const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i" }] } };
  const deployment = { metadata: { name: "d" }, spec: { selector: { matchLabels: { a: "b" } }, template } };
  assert.match((await s.as(root, "POST", deployments, deployment)).body.message, /count\/deployments.apps=1/);
  const ports = [{ name: "a", port: 1 }, { name: "b", port: 2 }];
  const service = (spec: object) => ({ metadata: { name: "s" }, spec: { ports, ...spec } });
  assert.equal((await create(s, service({}), "services")).status, 201);
  const merge = { "content-type": "application/merge-patch+json" };
  const change = (spec: object) => s.as(root, "PATCH", `${api}/services/s`, { spec }, merge);
  assert.match((await change({ type: "NodePort" })).body.message, /requested: services.nodeports=2/);
  assert.equal((await change({ type: "NodePort", ports: [ports[0]] })).status, 200);
  assert.equal((await change({ selector: { x: "y" } })).status, 200, "what uses no more is not counted again");
});

scene("resourceQuota holds however many write at once, and lets through all that there is room for", async (s) => {
  await quota(s, { hard: { pods: "10", "requests.memory": "10Gi" } });
  const memory = { requests: { memory: "1Gi" } };
  const answers = await Promise.all(Array.from({ length: 25 }, (_, i) => create(s, pod(`p${i}`, memory))));
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 201).length, 10);
  assert.equal(statuses.filter((status) => status === 403).length, 15);
  await Promise.all(
    answers.flatMap(({ status, body }) =>
      status === 201 ? [s.as(root, "DELETE", `${api}/pods/${body.metadata.name}`)] : []
    ),
  );
  const again = await Promise.all(Array.from({ length: 12 }, (_, i) => create(s, pod(`r${i}`, memory))));
  assert.equal(again.filter(({ status }) => status === 201).length, 10);
});

scene("resourceQuota: a dry run uses nothing up, and a quota leaves nothing behind", async (s) => {
  await quota(s, { hard: { pods: "1" } });
  for (let i = 0; i < 3; i++) assert.equal((await create(s, pod("a"), "pods", "?dryRun=All")).status, 201);
  assert.equal((await create(s, pod("a"))).status, 201);
  assert.equal((await create(s, pod("b"), "pods", "?dryRun=All")).status, 403);
  const { body } = await s.as(root, "GET", `${api}/resourcequotas/q`);
  const space = `quota/${body.metadata.uid}`;
  assert.equal((await s.fixture.store.claimed(space)).get("pods"), "1");
  await s.as(root, "DELETE", `${api}/resourcequotas/q`);
  assert.equal((await s.fixture.store.claimed(space)).size, 0);
  assert.equal((await create(s, pod("b"))).status, 201);
});

scene("resourceQuota keeps to its scopes", async (s) => {
  await quota(s, { hard: { pods: "0" }, scopes: ["BestEffort"] });
  assert.equal((await create(s, pod("a"))).status, 403);
  assert.equal((await create(s, pod("a", { requests: { cpu: "1" } }))).status, 201);
});

scene("limitRanger sets defaults and holds bounds", async (s) => {
  const limits = [
    {
      type: "Container",
      max: { cpu: "2" },
      min: { cpu: "100m" },
      default: { cpu: "500m" },
      defaultRequest: { cpu: "200m" },
      maxLimitRequestRatio: { cpu: "4" },
    },
    { type: "Pod", max: { cpu: "3" } },
  ];
  await s.as(root, "POST", `${api}/limitranges`, { metadata: { name: "l" }, spec: { limits } });
  await s.fixture.cache.fresh();
  const made = await create(s, pod("a"));
  assert.deepEqual(made.body.spec.containers[0].resources, { limits: { cpu: "500m" }, requests: { cpu: "200m" } });
  assert.equal(
    made.body.metadata.annotations["kubernetes.io/limit-ranger"],
    "LimitRanger plugin set: cpu request for container c; cpu limit for container c",
  );
  const two = {
    containers: ["x", "y"].map((name) => ({
      name,
      image: "i",
      resources: { limits: { cpu: "2" }, requests: { cpu: "1" } },
    })),
  };
  const table: [object, string][] = [
    [
      pod("b", { limits: { cpu: "3" }, requests: { cpu: "1" } }),
      "maximum cpu usage per Container is 2, but limit is 3",
    ],
    [
      pod("b", { limits: { cpu: "50m" }, requests: { cpu: "50m" } }),
      "minimum cpu usage per Container is 100m, but request is 50m",
    ],
    [
      pod("b", { limits: { cpu: "2" }, requests: { cpu: "200m" } }),
      "cpu max limit to request ratio per Container is 4, but provided ratio is 10.000000",
    ],
    [pod("b", {}, two), "maximum cpu usage per Pod is 3, but limit is 4"],
  ];
  for (const [body, why] of table) {
    const { status, body: { message } } = await create(s, body);
    assert.deepEqual([status, message], [403, `pods "b" is forbidden: ${why}`]);
  }
});
