/** Questions for cluster names over UDP, asked by another process: server and client each have a core. */
import dgram from "node:dgram";
import { systemClock } from "../../lib/seams/clock.ts";
import { output, systemProcesses } from "../../lib/seams/process.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { Forwarder } from "../../proxy/dns/forward.ts";
import { Handler } from "../../proxy/dns/handler.ts";
import { encode, types } from "../../proxy/dns/message.ts";
import { Records, zoneFacts } from "../../proxy/dns/records.ts";
import { Resolver } from "../../proxy/dns/resolver.ts";
import { serveDns, socketExchange } from "../../proxy/dns/sockets.ts";
import { formatIpv4, parseRange } from "../../proxy/ipv4.ts";
import { service } from "../../proxy/testing/objects.ts";
import { percentile, spreadOf } from "./latency.ts";
import type { Report } from "./report.ts";

const names = 1_000;
const seconds = 5;
/** design, section 10: on one core */
const targets = { perSecond: 15_000, p99Ms: 5 };

/** A server of the records `web0 … web999`. */
function createHandler(): Handler {
  const records = new Records("cluster.local", zoneFacts("cluster.local", "10.96.0.10"));
  for (let i = 0; i < names; i++) {
    records.setService(`default/web${i}`, service(`web${i}`, { clusterIP: formatIpv4(0x0a600100 + i) }), []);
  }
  const zone = { records, ranges: [parseRange("10.96.0.0/16")!] };
  const forwarder = new Forwarder({
    servers: () => [],
    exchange: socketExchange(systemClock),
    clock: systemClock,
    random: systemRandom,
  });
  const resolver = new Resolver({ zone, forwarder, clock: systemClock, asker: () => undefined });
  return new Handler({ zone, resolver, ready: Promise.resolve(), admits: () => true });
}

const query = (id: number) =>
  encode({
    id,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    checkingDisabled: false,
    rcode: 0,
    question: { name: `web${id % names}.default.svc.cluster.local`, type: types.A, class: 1 },
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
  }, 512);

async function withoutSockets(handler: Handler, report: Report): Promise<void> {
  const queries = Array.from({ length: names }, (_, i) => query(i));
  for (const one of queries) await handler.handle(one, "10.244.0.2", "udp");
  const count = 300_000;
  const begun = performance.now();
  for (let i = 0; i < count; i++) handler.handle(queries[i % names]!, "10.244.0.2", "udp");
  report.add({ what: "answers without sockets", value: count / (performance.now() - begun) * 1_000, unit: "/s" });
}

export async function dns(report: Report): Promise<void> {
  const handler = createHandler();
  await withoutSockets(handler, report);
  const listening = await serveDns(handler, { address: "127.0.0.1", port: 0 }, systemClock);
  try {
    const asked = await output(systemProcesses, [
      ...[Deno.execPath(), "run", "-A", "--quiet", "--no-check", new URL(import.meta.url).pathname],
      ...["--ask", String(listening.port)],
    ]);
    const { perSecond, p50Ms, p99Ms } = JSON.parse(asked) as Asked;
    report.add({
      what: "A, 64 in flight",
      value: perSecond,
      unit: "/s",
      more: spreadOf(p50Ms, p99Ms),
      target: { atLeast: targets.perSecond },
    });
    report.add({ what: "A, 64 in flight, p99", value: p99Ms, unit: "ms", target: { atMost: targets.p99Ms } });
    await withDnsperf(listening.port, report);
  } finally {
    await listening.close();
  }
}

async function withDnsperf(port: number, report: Report): Promise<void> {
  if ((await systemProcesses.run(["sh", "-c", "command -v dnsperf"])).code !== 0) {
    return report.skip("dnsperf", "needs dnsperf (apt-get install dnsperf)");
  }
  const file = await Deno.makeTempFile();
  try {
    const lines = Array.from({ length: names }, (_, i) => `web${i}.default.svc.cluster.local A\n`);
    await Deno.writeTextFile(file, lines.join(""));
    const options = ["-s", "127.0.0.1", "-p", String(port), "-d", file, "-l", String(seconds), "-c", "8", "-q", "200"];
    const text = await output(systemProcesses, ["dnsperf", ...options]);
    const value = Number(/Queries per second:\s+([\d.]+)/.exec(text)?.[1]);
    const lost = Number(/Queries lost:\s+(\d+)/.exec(text)?.[1]);
    const average = Number(/Average Latency \(s\):\s+([\d.]+)/.exec(text)?.[1]) * 1_000;
    const more = `average ${average.toFixed(1)} ms, ${lost} lost`;
    report.add({ what: "A, dnsperf, 200 in flight", value, unit: "/s", more, target: { atLeast: targets.perSecond } });
  } finally {
    await Deno.remove(file);
  }
}

interface Asked {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** 64 questions in flight; how many were answered per second, and how soon. */
async function ask(port: number): Promise<Asked> {
  const sent = new Float64Array(65_536);
  const times: number[] = [];
  const queries = Array.from({ length: 65_536 }, (_, id) => query(id));
  const socket = dgram.createSocket("udp4");
  let next = 0;
  const send = () => {
    const id = next++ & 0xffff;
    sent[id] = performance.now();
    socket.send(queries[id]!, port, "127.0.0.1");
  };
  const begun = performance.now();
  await new Promise<void>((resolve) => {
    socket.on("message", (answer) => {
      const now = performance.now();
      times.push(now - sent[(answer[0]! << 8) | answer[1]!]!);
      if (now - begun < seconds * 1_000) send();
      else resolve();
    });
    for (let i = 0; i < 64; i++) send();
  });
  const perSecond = times.length / (performance.now() - begun) * 1_000;
  socket.close();
  return { perSecond, p50Ms: percentile(times, 0.5), p99Ms: percentile(times, 0.99) };
}

if (import.meta.main && Deno.args[0] === "--ask") {
  // deno-lint-ignore no-console
  console.log(JSON.stringify(await ask(Number(Deno.args[1]))));
}
