/**
 * The API server over TLS with a durable Redis: writes, reads, lists, watch fan-out, start, memory.
 * Peers measured on the same kind of machine stand beside each line (kube-apiserver 1.36 + etcd 3.5, 2 cores shared with the client).
 */
import { systemClock } from "../../lib/seams/clock.ts";
import { ConfigMap, Pod } from "../../lib/types/kinds.ts";
import { privateMemory } from "./memory.ts";
import { type BenchServer, startServer } from "./server.ts";
import { type Result, wrk } from "./wrk.ts";

// deno-lint-ignore no-console
const print = (line: string) => console.log(line);
const seconds = 5;

const row = (what: string, r: Result, peer: string) =>
  print(
    `${what.padEnd(34)} ${r.perSecond.toFixed(0).padStart(7)} /s   p50 ${r.p50Ms.toFixed(1).padStart(6)}   p99 ${
      r.p99Ms.toFixed(1).padStart(6)
    } ms   errors ${r.errors}   (kube-apiserver ${peer})`,
  );

const pod = (name: string) =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":${name},"labels":{"app":"bench"}},"spec":{"schedulerName":"none",` +
  `"containers":[{"name":"c","image":"busybox","command":["sleep","1"],"resources":{"requests":{"cpu":"10m","memory":"16Mi"}},` +
  `"env":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"ports":[{"containerPort":80}]}]}}`;

const post = (body: string) =>
  `  return wrk.format("POST", nil, nil, [==[${body}]==])`.replaceAll("@", `]==] .. run .. "-" .. n .. [==[`);

async function writes({ access, client }: BenchServer): Promise<void> {
  const base = `${access.server}/api/v1/namespaces/default`;
  const peers: Record<string, string[]> = {
    ConfigMap: ["621 /s, p99 6", "1,691 /s, p99 27", "2,229 /s, p99 70"],
    Pod: ["547 /s, p99 8", "1,180 /s, p99 40", "1,328 /s, p99 137"],
  };
  for (const [i, clients] of [1, 16, 64].entries()) {
    const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm-@"},"data":{"k":"${"x".repeat(200)}"}}`;
    const result = await wrk({
      url: `${base}/configmaps`,
      clients,
      seconds,
      token: access.token!,
      request: post(body),
    });
    row(`create ConfigMap, ${clients} clients`, result, peers.ConfigMap![i]!);
  }
  for (const [i, clients] of [1, 16, 64].entries()) {
    const result = await wrk({
      url: `${base}/pods`,
      clients,
      seconds,
      token: access.token!,
      request: post(pod('"p-@"')),
    });
    row(`create Pod, ${clients} clients`, result, peers.Pod![i]!);
  }
  await client.raw("DELETE", "/api/v1/namespaces/default/pods?gracePeriodSeconds=0");
  await client.raw("DELETE", "/api/v1/namespaces/default/configmaps");
}

async function reads({ access, client }: BenchServer): Promise<void> {
  const base = `${access.server}/api/v1/namespaces/default`;
  for (let i = 0; i < 10_000; i += 50) {
    await Promise.all(
      Array.from(
        { length: 50 },
        (_, k) =>
          client.create(Pod, JSON.parse(pod(`"list-${i + k}"`).replace('"labels"', '"namespace":"default","labels"'))),
      ),
    );
  }
  for (const clients of [1, 16, 64]) {
    row(
      `GET pod, ${clients} clients`,
      await wrk({ url: `${base}/pods/list-1`, clients, seconds, token: access.token! }),
      clients === 16 ? "3,344 /s" : "-",
    );
  }
  for (
    const [what, query, peer] of [["LIST 10,000 pods", "", "372 ms"], [
      "LIST, page of 500 of 10,000",
      "?limit=500",
      "29 ms",
    ]]
  ) {
    row(what!, await wrk({ url: `${base}/pods${query}`, clients: 1, seconds, token: access.token! }), peer!);
  }
}

/** 1,000 watchers, 50 writes a second: each event's time from before its write to its arrival at each watcher. */
async function fanOut({ client }: BenchServer, watchers: number): Promise<void> {
  const stop = new AbortController();
  const latencies: number[] = [];
  const started = new Map<string, number>();
  const list = await client.list(ConfigMap, { namespace: "kube-public" });
  const writes = 250;
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const watching = Array.from({ length: watchers }, async () => {
    const options = { namespace: "kube-public", resourceVersion: list.metadata.resourceVersion };
    for await (const event of client.watch(ConfigMap, options, stop.signal)) {
      const begun = started.get(event.object.metadata.name);
      if (begun === undefined) continue;
      latencies.push(performance.now() - begun);
      if (latencies.length === watchers * writes) resolve();
    }
  });
  await new Promise((done) => systemClock.after(2_000, () => done(undefined)));
  for (let i = 0; i < writes; i++) {
    const name = `fan-${watchers}-${i}`;
    started.set(name, performance.now());
    await Promise.all([
      client.create(ConfigMap, { metadata: { namespace: "kube-public", name }, data: { k: "x".repeat(500) } }),
      new Promise((done) => systemClock.after(20, () => done(undefined))),
    ]);
  }
  await Promise.race([all, new Promise((done) => systemClock.after(20_000, () => done(undefined)))]);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => (latencies[Math.floor(latencies.length * share)] ?? NaN).toFixed(1);
  print(
    `${`watch, ${watchers} watchers, 50 writes/s`.padEnd(34)} ${latencies.length} of ${
      watchers * writes
    } delivered   p50 ${at(0.5)}   p99 ${at(0.99)} ms   (kube-apiserver ${
      watchers === 1000 ? "p50 34, p99 120 ms" : "p50 6.7, p99 13 ms"
    })`,
  );
  stop.abort();
  await Promise.allSettled(watching);
}

if (import.meta.main) {
  await using server = await startServer();
  print(`start to /readyz ${server.readyMs} ms   (kube-apiserver + etcd 2,800 ms)`);
  print(await privateMemory(server.pid));
  await writes(server);
  await reads(server);
  await fanOut(server, 100);
  await fanOut(server, 1000);
  print(await privateMemory(server.pid));
}
