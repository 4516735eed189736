/**
 * Questions for cluster names over UDP: server and client are processes of their own, each has a core. Ours runs as the proxy does.
 * Other name servers get the same questions in turn.
 */
import dgram from "node:dgram";
import { systemClock } from "../../lib/seams/clock.ts";
import { output, systemProcesses } from "../../lib/seams/process.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { proxyV8 } from "../../lib/supervisor/components.ts";
import { Forwarder } from "../../proxy/dns/forward.ts";
import { Handler } from "../../proxy/dns/handler.ts";
import { encode, types } from "../../proxy/dns/message.ts";
import { Records, zoneFacts } from "../../proxy/dns/records.ts";
import { Resolver } from "../../proxy/dns/resolver.ts";
import { serveDns, socketExchange } from "../../proxy/dns/sockets.ts";
import { formatIpv4, parseRange } from "../../proxy/ipv4.ts";
import { service } from "../../proxy/testing/objects.ts";
import { type NameServer, startPeers } from "./dns_peers.ts";
import { median, percentile } from "./latency.ts";
import type { Report } from "./report.ts";

const names = 1_000;
const rounds = 3;
/** Of one turn. */
const seconds = 3;
const nameOf = (i: number) => `web${i}.default.svc.cluster.local`;
const addressOf = (i: number) => formatIpv4(0x0a600100 + i);
/** design, section 10: on one core */
const targets = { perSecond: 15_000, p99Ms: 5 };

/** A server of the records `web0 … web999`. */
function createHandler(): Handler {
  const records = new Records("cluster.local", zoneFacts("cluster.local", "10.96.0.10"));
  for (let i = 0; i < names; i++) {
    records.setService(`default/web${i}`, service(`web${i}`, { clusterIP: addressOf(i) }), []);
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
    question: { name: nameOf(id % names), type: types.A, class: 1 },
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

/** One turn of a generator of questions at a server. */
interface Turn {
  readonly perSecond: number;
  /** ms */
  readonly latency: number;
  readonly lost: number;
}

interface Generator {
  readonly about: string;
  /** What `latency` is. */
  readonly latency: string;
  /** Of `latency`. ms */
  readonly target?: number;
  turn(port: number): Promise<Turn>;
}

const ownGenerator: Generator = {
  about: "A, 64 in flight",
  latency: "p99",
  async turn(port) {
    const asked = await output(systemProcesses, own("--ask", String(port)));
    const { perSecond, p99Ms } = JSON.parse(asked) as Asked;
    return { perSecond, latency: p99Ms, lost: 0 };
  },
};

const dnsperf = (file: string): Generator => ({
  about: "A, dnsperf, 200 in flight",
  latency: "average",
  async turn(port) {
    const options = ["-s", "127.0.0.1", "-p", String(port), "-d", file, "-l", String(seconds), "-c", "8", "-q", "200"];
    const text = await output(systemProcesses, ["dnsperf", ...options]);
    const found = (what: RegExp) => Number(what.exec(text)?.[1]);
    return {
      perSecond: found(/Queries per second:\s+([\d.]+)/),
      latency: found(/Average Latency \(s\):\s+([\d.]+)/) * 1_000,
      lost: found(/Queries lost:\s+(\d+)/),
    };
  },
});

/** The rate that is wanted, and no more: at a server that has all it can take, what is measured is how long questions queue. */
const paced = (file: string): Generator => ({
  about: `A, dnsperf, ${targets.perSecond} a second`,
  latency: "p99",
  target: targets.p99Ms,
  async turn(port) {
    const options = ["-s", "127.0.0.1", "-p", String(port), "-d", file, "-l", String(seconds), "-c", "8", "-v"];
    const answers = await Deno.makeTempFile();
    try {
      const command = ["dnsperf", ...options, "-Q", String(targets.perSecond)].join(" ");
      await output(systemProcesses, ["sh", "-c", `${command} > ${answers}`]);
      const text = await Deno.readTextFile(answers);
      const times = [...text.matchAll(/^> \S+ \S+ \S+ ([\d.]+)$/gm)].map(([, time]) => Number(time) * 1_000);
      const lost = Number(/Queries lost:\s+(\d+)/.exec(text)?.[1]);
      return { perSecond: times.length / seconds, latency: percentile(times, 0.99), lost };
    } finally {
      await Deno.remove(answers);
    }
  },
});

/** All servers in turn, round by round: ours is the first. */
async function race(generator: Generator, servers: readonly NameServer[], report: Report): Promise<void> {
  const { about, latency, target } = generator;
  const turns = new Map<NameServer, Turn[]>(servers.map((server) => [server, []]));
  for (let round = 0; round < rounds; round++) {
    for (const server of servers) turns.get(server)!.push(await generator.turn(server.port));
  }
  const rate = (server: NameServer) => median(turns.get(server)!.map(({ perSecond }) => perSecond));
  const delay = (server: NameServer) => median(turns.get(server)!.map(({ latency }) => latency));
  const lost = (server: NameServer) => turns.get(server)!.reduce((sum, { lost }) => sum + lost, 0);
  const told = (server: NameServer) => `${latency} ${delay(server).toFixed(2)} ms, ${lost(server)} lost`;
  const [ours, ...others] = servers as [NameServer, ...NameServer[]];
  const [peer, ...more] = others.map((server) => ({ name: server.name, value: rate(server), here: true }));
  const row = { what: about, value: rate(ours), unit: "/s" };
  report.add({ ...row, more: told(ours), target: { atLeast: targets.perSecond }, peer });
  for (const peer of more) report.add({ ...row, what: `${about}: again`, peer });
  if (target !== undefined) {
    report.add({ what: `${about}, ${latency}`, value: delay(ours), unit: "ms", target: { atMost: target } });
  }
  for (const server of others) report.note(`${server.name}: ${told(server)}`);
}

export async function dns(report: Report): Promise<void> {
  await withoutSockets(createHandler(), report);
  await using stack = new AsyncDisposableStack();
  const port = await startOurs(stack);
  const peers = await startPeers(
    stack,
    new Map(Array.from({ length: names }, (_, i) => [nameOf(i), addressOf(i)])),
    query(0),
    report,
  );
  const servers = [{ name: "sauropod", port }, ...peers];
  await race(ownGenerator, servers, report);
  if ((await systemProcesses.run(["sh", "-c", "command -v dnsperf"])).code !== 0) {
    return report.skip("dnsperf", "needs dnsperf (apt-get install dnsperf)");
  }
  const file = await Deno.makeTempFile();
  stack.defer(() => Deno.remove(file));
  await Deno.writeTextFile(file, Array.from({ length: names }, (_, i) => `${nameOf(i)} A\n`).join(""));
  await race(paced(file), servers, report);
  await race(dnsperf(file), servers, report);
}

const own = (...words: string[]) => [
  ...[Deno.execPath(), "run", "-A", "--quiet", "--no-check", proxyV8, new URL(import.meta.url).pathname, ...words],
];

/** The port of a server that ends with the stack. */
async function startOurs(stack: AsyncDisposableStack): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const child = systemProcesses.spawn(own("--serve"), { onLine: (line) => resolve(Number(line)) });
  stack.defer(async () => {
    child.kill("SIGTERM");
    await child.ended;
  });
  return await promise;
}

interface Asked {
  perSecond: number;
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
  return { perSecond, p99Ms: percentile(times, 0.99) };
}

// deno-lint-ignore no-console
const print = (line: string) => console.log(line);

if (import.meta.main && Deno.args[0] === "--ask") print(JSON.stringify(await ask(Number(Deno.args[1]))));
if (import.meta.main && Deno.args[0] === "--serve") {
  print(String((await serveDns(createHandler(), { address: "127.0.0.1", port: 0 }, systemClock)).port));
}
