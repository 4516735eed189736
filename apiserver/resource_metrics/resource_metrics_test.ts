import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import { nextTurn } from "../../lib/seams/turn.ts";
import { Node } from "../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../lib/validation.ts";
import { createFixture, type Fixture, sampleResources } from "../../tests/harness/rest.ts";
import { defineResource, type Resource } from "../rest/resource.ts";
import { parseSample, type Point } from "./exposition.ts";
import { resourceMetrics } from "./mod.ts";
import { Samples } from "./samples.ts";
import { periodOf, usageBetween, useOf } from "./usage.ts";

Deno.test("usageBetween() tells what is used per second between two looks", () => {
  const point = (at: number, cpuSeconds: number, startedMs?: number): Point => ({
    at: at * 1000,
    cpuSeconds,
    memoryBytes: 4096,
    startedMs: startedMs === undefined ? undefined : startedMs * 1000,
  });
  const table: [string, Point | undefined, Point, [number, number] | undefined][] = [
    ["two looks", point(100, 5, 1), point(110, 7, 1), [10_000, 200_000_000]],
    ["one look", undefined, point(110, 7), undefined],
    ["one look at a young one", undefined, point(110, 2, 100), [10_000, 200_000_000]],
    ["one look at a very young one", undefined, point(101, 1, 100), undefined],
    ["one look at an old one", undefined, point(500, 9, 100), undefined],
    ["a restart between the looks", point(100, 5, 1), point(110, 1, 105), [5_000, 200_000_000]],
    ["the same look again", point(100, 5), point(100, 5), undefined],
    ["a counter that went back", point(100, 5), point(110, 4), undefined],
    ["looks far apart", point(100, 5), point(900, 9), undefined],
  ];
  for (const [what, previous, latest, expected] of table) {
    const usage = usageBetween(previous, latest);
    assert.deepEqual(usage && [usage.windowMs, usage.cpuNanoCores], expected, what);
  }
});

Deno.test("useOf() and periodOf() write what metrics-server writes", () => {
  const usage = { at: Date.UTC(2026, 0, 1), windowMs: 15_032, cpuNanoCores: 137_402, memoryBytes: 3 * 2 ** 20 };
  assert.deepEqual(useOf(usage), { cpu: "137402n", memory: "3Mi" });
  assert.deepEqual(useOf({ ...usage, cpuNanoCores: 25e7, memoryBytes: 12_289 }), { cpu: "250m", memory: "12289" });
  const later = { ...usage, at: usage.at + 5000, windowMs: 10_000 };
  assert.deepEqual(periodOf([later, usage]), { timestamp: "2026-01-01T00:00:00Z", window: "15.032s" });
});

Deno.test("parseSample() reads what an agent says, and only whole measurements", () => {
  const text = `# HELP container_cpu_usage_seconds_total x
container_cpu_usage_seconds_total{container="app",namespace="d",pod="web"} 1.5 100500
container_memory_working_set_bytes{container="app",namespace="d",pod="web"} 2048 100500
container_start_time_seconds{container="app",namespace="d",pod="web"} 7.25
container_cpu_usage_seconds_total{container="half",namespace="d",pod="web"} 1
container_memory_working_set_bytes{container="x"} NaN
node_cpu_usage_seconds_total 9
node_memory_working_set_bytes 4e3
pod_cpu_usage_seconds_total{namespace="d",pod="web"} 3
nonsense`;
  const { node, pods } = parseSample(text, 200_000);
  assert.deepEqual(node, { at: 200_000, startedMs: undefined, cpuSeconds: 9, memoryBytes: 4000 });
  assert.deepEqual([...pods].map(([pod, containers]) => [pod, [...containers]]), [
    ["d/web", [["app", { at: 100_500, startedMs: 7250, cpuSeconds: 1.5, memoryBytes: 2048 }]]],
  ]);
});

/** An agent that uses half a core; its pod web a quarter. */
function agentText(now: number, pod = "web"): string {
  const [node, container] = [now / 2000, now / 4000];
  return [
    `node_cpu_usage_seconds_total ${node} ${now}`,
    `node_memory_working_set_bytes 1048576 ${now}`,
    `container_cpu_usage_seconds_total{container="c",namespace="d",pod="${pod}"} ${container} ${now}`,
    `container_memory_working_set_bytes{container="c",namespace="d",pod="${pod}"} 2048 ${now}`,
  ].join("\n");
}

Deno.test("Samples asks while somebody asks, once for all, and twice at first", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const ask = (node: string) => {
    asked++;
    return node === "n2" ? Promise.reject(new Error("no")) : Promise.resolve(agentText(clock.now()));
  };
  const samples = new Samples({ clock, nodes: () => ["n1", "n2"], ask });
  const both = Promise.all([samples.get(), samples.get()]);
  await clock.advance(0);
  await clock.advance(2_000);
  const [looks] = await both;
  assert.deepEqual([...looks.keys()], ["n1"]);
  assert.equal(asked, 3);
  assert.equal(looks.get("n1")!.latest.node!.at - looks.get("n1")!.previous!.node!.at, 2_000);
  await clock.advance(9_000);
  await samples.get();
  assert.equal(asked, 3);
  await clock.advance(1_000);
  const next = (await samples.get()).get("n1")!;
  assert.equal(next.latest.node!.at - next.previous!.node!.at, 10_000);
  await clock.advance(600_000);
  const late = samples.get();
  await clock.advance(0);
  await clock.advance(2_000);
  const again = (await late).get("n1")!;
  assert.equal(again.latest.node!.at - again.previous!.node!.at, 2_000);
});

Deno.test("Samples gives up an agent that does not answer", async () => {
  const clock = new FakeClock();
  const ask = (_: string, signal: AbortSignal) =>
    new Promise<string>((_, reject) => signal.addEventListener("abort", () => reject(new Error("cut"))));
  const samples = new Samples({ clock, nodes: () => ["n1"], ask });
  const looks = samples.get();
  await clock.advance(5_000);
  assert.equal((await looks).size, 0);
});

const nodes = defineResource(Node, { definition: "io.k8s.api.core.v1.Node" }, isDNS1123Subdomain);
const api = "/apis/metrics.k8s.io/v1beta1";
const asTable = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };

/** Two nodes, each of which says that it runs web; it is on n1. */
async function measured(): Promise<Fixture> {
  const clock = new FakeClock();
  const connect = () => Promise.resolve(new Response(agentText(clock.now())));
  const f = await createFixture({
    clock,
    resources: [...sampleResources, nodes as unknown as Resource],
    over: (cache) => ({ computed: resourceMetrics({ cache, clock, connect }) }),
  });
  for (const name of ["n1", "n2"]) await f.send("POST", "/api/v1/nodes", { metadata: { name, labels: { name } } });
  const status = { conditions: [{ type: "Ready", status: "Unknown" }] };
  await f.send("POST", "/api/v1/nodes", { metadata: { name: "silent" }, status });
  const spec = { nodeName: "n1", containers: [{ name: "c" }] };
  const merge = { "content-type": "application/merge-patch+json" };
  for (const name of ["web", "other"]) {
    await f.send("POST", "/api/v1/namespaces/d/pods", { metadata: { name, labels: { app: name } }, spec });
    await f.send("PATCH", `/api/v1/namespaces/d/pods/${name}/status`, { status: { phase: "Running" } }, merge);
  }
  let done = false;
  const first = f.send("GET", `${api}/nodes`).finally(() => done = true);
  while (!done) {
    // Reading an answer takes turns of the event loop, and no time.
    for (let i = 0; i < 20; i++) await nextTurn();
    if (!done) await clock.advance(2_000);
  }
  await first;
  return f;
}

Deno.test("metrics.k8s.io answers what nodes and pods use", async () => {
  const f = await measured();
  const usage = { cpu: "500m", memory: "1Mi" };
  const nodeList = (await f.send("GET", `${api}/nodes`)).body;
  assert.deepEqual([nodeList.kind, nodeList.metadata], ["NodeMetricsList", {}]);
  // deno-lint-ignore no-explicit-any
  assert.deepEqual(nodeList.items.map((item: any) => [item.metadata.name, item.window, item.usage]), [
    ["n1", "2s", usage],
    ["n2", "2s", usage],
  ]);
  const one = (await f.send("GET", `${api}/nodes/n1`)).body;
  assert.deepEqual([one.kind, one.metadata.labels, one.usage], ["NodeMetrics", { name: "n1" }, usage]);
  const pods = (await f.send("GET", `${api}/pods`)).body.items;
  assert.equal(pods.length, 1);
  assert.deepEqual([pods[0].metadata.namespace, pods[0].containers], ["d", [
    { name: "c", usage: { cpu: "250m", memory: "2Ki" } },
  ]]);
  const selected = async (query: string) =>
    (await f.send("GET", `${api}/namespaces/d/pods?${query}`)).body.items.length;
  assert.equal(await selected("labelSelector=app%3Dweb"), 1);
  assert.equal(await selected("labelSelector=app%3Dother"), 0);
  assert.equal(await selected("fieldSelector=metadata.name%3Dother"), 0);
  const none = await f.send("GET", `${api}/namespaces/d/pods/other`);
  assert.deepEqual([none.status, none.body.message], [404, 'podmetrics.metrics.k8s.io "d/other" not found']);
  await f.close();
});

Deno.test("metrics.k8s.io speaks tables and protobuf, is discovered, and is not written", async () => {
  const f = await measured();
  const table = (await f.send("GET", `${api}/namespaces/d/pods`, undefined, asTable)).body;
  // deno-lint-ignore no-explicit-any
  assert.deepEqual(table.columnDefinitions.map((column: any) => column.name), ["Name", "cpu", "memory", "Window"]);
  assert.deepEqual(table.rows[0].cells, ["web", "250m", "2Ki", "2s"]);
  const partial = { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" };
  const { kind, items } = (await f.send("GET", `${api}/nodes`, undefined, partial)).body;
  assert.deepEqual([kind, items[1].metadata.name, items[1].usage], ["PartialObjectMetadataList", "n2", undefined]);
  const protobuf = await f.send("GET", `${api}/nodes`, undefined, { accept: "application/vnd.kubernetes.protobuf" });
  assert.equal(protobuf.status, 200);
  const { resources } = (await f.send("GET", api)).body;
  assert.deepEqual(resources, [
    { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] },
    { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] },
  ]);
  const document = (await f.send("GET", "/openapi/v3/apis/metrics.k8s.io/v1beta1")).body;
  assert.ok(document.components.schemas["io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics"]);
  assert.equal((await f.send("POST", `${api}/nodes`, { metadata: { name: "x" } })).status, 405);
  assert.equal((await f.send("GET", `${api}/nodes?watch=1`)).status, 405);
  assert.equal((await f.send("GET", `${api}/nodes/n1/status`)).status, 404);
  await f.close();
});
