/** Writes and reads over TLS, the API server on a Redis that syncs every write. The client is wrk, on the same cores. */
import { Pod } from "../../lib/types/kinds.ts";
import { spreadOf } from "./latency.ts";
import { cpuMs, listed, memoryBelow } from "./memory.ts";
import * as peers from "./peers.ts";
import type { Report, Row } from "./report.ts";
import { type BenchServer, startServer } from "./server.ts";
import { type Load, type Result, wrk, wrkMissing } from "./wrk.ts";

const seconds = 5;
/** What each series has to be better than kube-apiserver by, at 16 clients. */
const createFactor = 3;
const getFactor = 3;
const listFactor = 4;

const pod = (name: string) =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"default","name":${name},"labels":{"app":"bench"}},"spec":` +
  `{"schedulerName":"none","containers":[{"name":"c","image":"busybox","command":["sleep","1"],"resources":{"requests":` +
  `{"cpu":"10m","memory":"16Mi"}},"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80}]}]}}`;

export const configMap = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm-@"},"data":{"k":"${
  "x".repeat(200)
}"}}`;

/** Lua that posts `body`, in which @ becomes unique. */
export const post = (body: string) =>
  `  return wrk.format("POST", nil, nil, [==[${body}]==])`.replaceAll("@", `]==] .. run .. "-" .. n .. [==[`);

interface Measured extends Result {
  /** Of the API server, for one request. What other programs on the machine do shifts it far less than the other figures. */
  cpuMicros: number;
}

async function measure(server: BenchServer, load: Omit<Load, "seconds" | "token">): Promise<Measured> {
  const before = cpuMs(server.pids(), "apiserver");
  const result = await wrk({ ...load, seconds, token: server.access.token! });
  return { ...result, cpuMicros: (cpuMs(server.pids(), "apiserver") - before) * 1_000 / result.requests };
}

function row(what: string, result: Measured, rest: Pick<Row, "target" | "peer">): Row {
  const errors = result.errors === 0 ? "" : `, ${result.errors} errors`;
  const more = `${spreadOf(result.p50Ms, result.p99Ms)}, ${result.cpuMicros.toFixed(0)} us CPU${errors}`;
  return { what, value: result.perSecond, unit: "/s", more, ...rest };
}

async function create(
  server: BenchServer,
  report: Report,
  kind: { name: string; plural: string; body: string; peer: ReadonlyMap<number, number> },
): Promise<number> {
  const url = `${server.access.server}/api/v1/namespaces/default/${kind.plural}`;
  let written = 0;
  for (const clients of [1, 16, 64]) {
    const result = await measure(server, { url, clients, request: post(kind.body) });
    written += result.requests;
    const peer = peers.kubeApiserver(kind.peer.get(clients)!);
    const target = clients === 16 ? { atLeast: peer.value * createFactor } : undefined;
    report.add(row(`create ${kind.name}, ${clients} clients`, result, { target, peer }));
  }
  return written;
}

export async function writes(report: Report): Promise<void> {
  const missing = await wrkMissing();
  if (missing !== undefined) return report.skip("writes", missing);
  await using server = await startServer();
  let written = 0;
  const configMaps = { name: "ConfigMap", plural: "configmaps", body: configMap, peer: peers.kubeCreateConfigMap };
  written += await create(server, report, configMaps);
  const pods = { name: "Pod", plural: "pods", body: pod('"p-@"'), peer: peers.kubeCreatePod };
  written += await create(server, report, pods);
  report.note(`private memory after ${written} objects: ${listed(await memoryBelow(server.pids()))} MiB`);
}

async function createPods({ client }: BenchServer, count: number): Promise<void> {
  const atOnce = 50;
  for (let i = 0; i < count; i += atOnce) {
    const names = Array.from({ length: atOnce }, (_, k) => `"list-${i + k}"`);
    await Promise.all(names.map((name) => client.create(Pod, JSON.parse(pod(name)))));
  }
}

export async function reads(report: Report): Promise<void> {
  const missing = await wrkMissing();
  if (missing !== undefined) return report.skip("reads", missing);
  await using server = await startServer();
  const { access } = server;
  const base = `${access.server}/api/v1/namespaces/default/pods`;
  await createPods(server, 10_000);
  for (const clients of [1, 16, 64]) {
    const result = await measure(server, { url: `${base}/list-1`, clients });
    const peer = clients === 16 ? peers.kubeGetPod16 : undefined;
    const target = peer === undefined ? undefined : { atLeast: peer.value * getFactor };
    report.add(row(`GET pod, ${clients} clients`, result, { peer, target }));
  }
  const lists: [string, string, typeof peers.kubeList10000][] = [
    ["LIST of 10,000 pods", "", peers.kubeList10000],
    ["LIST, a page of 500 of 10,000", "?limit=500", peers.kubePage500],
  ];
  for (const [what, query, peer] of lists) {
    const { p50Ms, p99Ms } = await measure(server, { url: base + query, clients: 1 });
    const target = { atMost: peer.value / listFactor };
    report.add({ what, value: p50Ms, unit: "ms", more: spreadOf(p50Ms, p99Ms), target, peer });
  }
  report.note(`private memory with 10,000 pods: ${listed(await memoryBelow(server.pids()))} MiB`);
}
