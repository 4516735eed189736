/**
 * Many watchers of one kind while it is written to at a steady pace: how many events arrive, and how long after the beginning of their write.
 * The watchers read their connections themselves and count events without parsing them: they share the cores with the server.
 */
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { ConfigMap } from "../../lib/types/kinds.ts";
import { percentile, spread } from "./latency.ts";
import { cpuMs, listed, memoryBelow } from "./memory.ts";
import * as peers from "./peers.ts";
import type { Report } from "./report.ts";
import { type BenchServer, startServer } from "./server.ts";

const writesPerSecond = 50;
const writes = 500;
const namespace = "kube-public";
/** Events that have not arrived by then are lost. */
const lostMs = 10_000;
/** design: p99 at 1,000 watchers on two cores. */
const targetMs = new Map([[1_000, 60]]);

/** Reads a watch's answer; `onEvent` is called for each event, in order. Resolves once the server has answered. */
async function open(
  { access }: BenchServer,
  resourceVersion: string,
  onEvent: () => void,
): Promise<{ close(): void }> {
  const { hostname, port } = new URL(access.server);
  const connection = await Deno.connectTls({ hostname, port: Number(port), caCerts: [access.ca] });
  const query = `watch=true&resourceVersion=${resourceVersion}`;
  const head = `GET /api/v1/namespaces/${namespace}/configmaps?${query} HTTP/1.1\r\nHost: ${hostname}\r\n` +
    `Authorization: Bearer ${access.token}\r\nAccept: application/json\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const chunk = new Uint8Array(8 * 1024);
  const answer = new TextDecoder().decode(chunk.subarray(0, await connection.read(chunk) ?? 0));
  if (!answer.startsWith("HTTP/1.1 200")) throw new Error(`watch: ${answer.split("\r\n")[0]}`);
  void readEvents(connection, chunk, onEvent);
  return { close: () => connection.close() };
}

/** Each event ends with `}` and a newline, and nothing else does. */
async function readEvents(connection: Deno.Conn, chunk: Uint8Array, onEvent: () => void): Promise<void> {
  let last = 0;
  try {
    for (let n = await connection.read(chunk); n !== null; n = await connection.read(chunk)) {
      const read = chunk.subarray(0, n);
      for (let at = read.indexOf(10); at >= 0; at = read.indexOf(10, at + 1)) {
        if ((at === 0 ? last : read[at - 1]) === 125) onEvent();
      }
      last = read[n - 1]!;
    }
  } catch (error) {
    // Closed by us, in the end.
    if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) throw error;
  }
}

async function fanOut(server: BenchServer, report: Report, watchers: number): Promise<void> {
  const { client } = server;
  const list = await client.list(ConfigMap, { namespace });
  const begun: number[] = [];
  const latencies: number[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const listener = () => {
    let next = 0;
    return () => {
      latencies.push(performance.now() - begun[next++]!);
      if (latencies.length === watchers * writes) resolve();
    };
  };
  const open50 = () =>
    Promise.all(Array.from({ length: 50 }, () => open(server, list.metadata.resourceVersion, listener())));
  const watches: { close(): void }[] = [];
  while (watches.length < watchers) watches.push(...await open50());
  const cpuBefore = cpuMs(server.pids(), "apiserver");
  const start = performance.now();
  const writing: Promise<unknown>[] = [];
  for (let i = 0; i < writes; i++) {
    await sleep(systemClock, start + i * 1_000 / writesPerSecond - performance.now());
    begun.push(performance.now());
    const metadata = { namespace, name: `fan-${watchers}-${i}` };
    writing.push(client.create(ConfigMap, { metadata, data: { k: "x".repeat(500) } }));
  }
  await Promise.all(writing);
  await Promise.race([all, sleep(systemClock, lostMs)]);
  const cpu = cpuMs(server.pids(), "apiserver") - cpuBefore;
  const limit = targetMs.get(watchers);
  report.add({
    what: `${watchers.toLocaleString("en-US")} watchers, p99 of the delay`,
    value: latencies.length === watchers * writes ? percentile(latencies, 0.99) : NaN,
    unit: "ms",
    more: `${spread(latencies)}, ${(cpu * 1_000 / latencies.length).toFixed(1)} us CPU`,
    target: limit === undefined ? undefined : { atMost: limit },
    peer: peers.kubeApiserver(peers.kubeWatchP99.get(watchers)!),
  });
  report.note(
    `${latencies.length} of ${watchers * writes} events delivered; private memory: ${
      listed(await memoryBelow(server.pids()))
    } MiB`,
  );
  for (const watch of watches) watch.close();
}

export async function watch(report: Report): Promise<void> {
  await using server = await startServer();
  await fanOut(server, report, 100);
  await fanOut(server, report, 1_000);
}
