/**
 * How fast the REST machinery is by itself: requests through handle(Request) in this process, over the memory store. No
 * network, no TLS, no Redis: what is measured is what every request pays in any case.
 */
import { createCache } from "../../apiserver/cache/cache.ts";
import { MemoryStore } from "../../apiserver/storage/memory.ts";
import { sampleResources, testUser } from "../harness/rest.ts";
import { parseRequestInfo } from "../../apiserver/rest/request_info.ts";
import { createRest, type Rest } from "../../apiserver/rest/rest.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { median, spread } from "./latency.ts";
import type { Report } from "./report.ts";

const namespace = "/api/v1/namespaces/default";
const podsMax = 10_000;

async function start(): Promise<Rest> {
  const store = new MemoryStore();
  const cache = createCache(store, sampleResources.map(({ storage }) => storage));
  await cache.start();
  return createRest({
    store,
    cache,
    resources: sampleResources,
    admission: [],
    clock: systemClock,
    random: systemRandom,
    config: { serviceCidr: "10.96.0.0/16", nodePortRange: { from: 30000, to: 32767 }, clusterDomain: "cluster.local" },
    version: {},
  });
}

async function send(rest: Rest, method: string, path: string, body?: string, headers = {}): Promise<Response> {
  const url = new URL(path, "http://apiserver");
  const request = new Request(url, {
    method,
    body,
    headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
  });
  return await rest.handle(request, { user: testUser, requestInfo: parseRequestInfo(method, url) });
}

/** A pod as a Deployment's are: about 2.7 KB. */
function podBody(i: number): string {
  const container = {
    name: "web",
    image: "registry.example.com/team/web:1.2.3",
    env: Array.from({ length: 12 }, (_, n) => ({ name: `SETTING_${n}`, value: `value of setting number ${n}` })),
    ports: [{ containerPort: 8080, name: "http" }],
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
    readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 5 },
    volumeMounts: [{ name: "config", mountPath: "/etc/web" }, { name: "data", mountPath: "/data" }],
  };
  return JSON.stringify({
    metadata: { name: `web-${i}`, labels: { app: "web", tier: "front", "pod-template-hash": "5d4f8c7b9" } },
    spec: {
      nodeName: `node-${i % 100}`,
      containers: [container],
      volumes: [{ name: "config", configMap: { name: "web" } }, { name: "data", emptyDir: {} }],
      tolerations: [{ key: "a", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }],
    },
  });
}

interface Rate {
  what: string;
  count: number;
  call(i: number): Promise<Response>;
}

const atOnce = 16;

async function rate(report: Report, { what, count, call }: Rate): Promise<void> {
  let next = 0;
  const times: number[] = [];
  const begun = performance.now();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let i = next++; i < count; i = next++) {
      const started = performance.now();
      const response = await call(i);
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`${what}: ${response.status}`);
      times.push(performance.now() - started);
    }
  }));
  const value = count / (performance.now() - begun) * 1000;
  report.add({ what: `${what}, ${atOnce} at a time`, value, unit: "/s", more: spread(times) });
}

async function timed(report: Report, what: string, call: () => Promise<Response>): Promise<void> {
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 7; i++) {
    const begun = performance.now();
    bytes = (await (await call()).arrayBuffer()).byteLength;
    times.push(performance.now() - begun);
  }
  const [first, ...later] = times;
  const more = `first ${first!.toFixed(0)} ms; ${(bytes / 1e6).toFixed(1)} MB`;
  report.add({ what, value: median(later), unit: "ms", more });
}

async function fanOut(report: Report, rest: Rest, watchers: number, writes: number): Promise<void> {
  const readers = await Promise.all(Array.from({ length: watchers }, async () => {
    const response = await send(rest, "GET", `${namespace}/configmaps?watch=true&labelSelector=bench%3Dfan`);
    return response.body!.getReader();
  }));
  const begun = performance.now();
  const reading = readers.map(async (reader) => {
    for (let mine = 0; mine < writes;) {
      const { value, done } = await reader.read();
      if (done) return;
      for (const byte of value) if (byte === 10) mine++;
    }
  });
  for (let i = 0; i < writes; i++) {
    const metadata = { name: `fan-${i}`, labels: { bench: "fan" } };
    const body = JSON.stringify({ metadata, data: { x: "y".repeat(800) } });
    await (await send(rest, "POST", `${namespace}/configmaps`, body)).arrayBuffer();
  }
  await Promise.all(reading);
  const value = watchers * writes / (performance.now() - begun) * 1000;
  report.add({ what: `watch events to ${watchers} watchers`, value, unit: "/s" });
  await Promise.all(readers.map((reader) => reader.cancel()));
}

const configMap = (i: number) =>
  JSON.stringify({ metadata: { name: `cm-${i}` }, data: { a: "1", b: "x".repeat(200) } });
const merge = { "content-type": "application/merge-patch+json" };
const table = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

export async function rest(report: Report): Promise<void> {
  const rest = await start();
  const maps = `${namespace}/configmaps`;
  const pods = `${namespace}/pods`;
  const ofNode = "/api/v1/pods?fieldSelector=spec.nodeName%3Dnode-7";
  const patch = (i: number) => JSON.stringify({ data: { a: `${i}` } });
  const rates: Rate[] = [
    { what: "create ConfigMap", count: 30_000, call: (i) => send(rest, "POST", maps, configMap(i)) },
    { what: "GET ConfigMap", count: 60_000, call: (i) => send(rest, "GET", `${maps}/cm-${i % 30_000}`) },
    { what: "merge patch", count: 10_000, call: (i) => send(rest, "PATCH", `${maps}/cm-${i}`, patch(i), merge) },
    { what: "create Pod of 2.7 KB", count: podsMax, call: (i) => send(rest, "POST", pods, podBody(i)) },
    { what: "GET Pod", count: 60_000, call: (i) => send(rest, "GET", `${pods}/web-${i % podsMax}`) },
  ];
  for (const one of rates) await rate(report, one);
  await timed(report, `list of ${podsMax} Pods`, () => send(rest, "GET", pods));
  await timed(report, "page of 500 Pods", () => send(rest, "GET", `${pods}?limit=500`));
  await timed(report, "Pods of one node", () => send(rest, "GET", ofNode));
  await timed(report, `table of ${podsMax} Pods`, () => send(rest, "GET", pods, undefined, table));
  await fanOut(report, rest, 1_000, 200);
}
