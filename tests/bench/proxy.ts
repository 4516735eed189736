/**
 * How fast the proxy is: rules for N Services × 5 endpoints into a kernel (in a network namespace of its own), one change at a time, and
 * DNS questions per second. `deno run -A tests/bench/proxy.ts [services…]`; needs root for the rules.
 */
import dgram from "node:dgram";
import { systemClock } from "../../lib/seams/clock.ts";
import { output, type Processes, systemProcesses } from "../../lib/seams/process.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { Forwarder } from "../../proxy/dns/forward.ts";
import { Handler } from "../../proxy/dns/handler.ts";
import { encode, types } from "../../proxy/dns/message.ts";
import { Records, zoneFacts } from "../../proxy/dns/records.ts";
import { Resolver } from "../../proxy/dns/resolver.ts";
import { serveDns, socketExchange } from "../../proxy/dns/sockets.ts";
import { formatIpv4, parseRange } from "../../proxy/ipv4.ts";
import { type ServiceEntry, serviceEntry } from "../../proxy/model.ts";
import { NftPlane } from "../../proxy/nft/plane.ts";
import { at, service, slice } from "../../proxy/testing/objects.ts";

const node = { name: "n1", addresses: ["192.0.2.1"] };
const net = {
  table: "sauropod-bench",
  clusterCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  dnsAddress: "10.96.0.10",
  loopbackNodePorts: true,
};
const changes = 100;

const print = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
const ms = (value: number) => `${value.toFixed(1)} ms`;

function percentiles(times: number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const of = (share: number) => ms(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
  return `p50 ${of(0.5)}, p99 ${of(0.99)}`;
}

function entryAt(i: number, endpoints: number): ServiceEntry {
  const name = `web${i}`;
  const address = (n: number) => formatIpv4(0x0af40000 + (i * 5 + n) % 60_000 + 1);
  return serviceEntry(
    service(name, { clusterIP: formatIpv4(0x0a600100 + i), ports: [{ port: 80 }] }),
    [slice(
      name,
      [{ port: 8080, protocol: "TCP" }],
      Array.from({ length: endpoints }, (_, n) => at(address(n), `n${n}`)),
    )],
    node,
  )!;
}

async function benchRules(processes: Processes, count: number): Promise<void> {
  const plane = new NftPlane({ net, processes, clock: systemClock, nodeAddresses: () => node.addresses });
  const made = performance.now();
  const all = new Map(Array.from({ length: count }, (_, i) => entryAt(i, 5)).map((entry) => [entry.key, entry]));
  const loaded = performance.now();
  // The first load also learns how this nft writes rules; the second is what a repair costs.
  await plane.load(all);
  const again = performance.now();
  await plane.load(all);
  print(
    `${count} Services × 5: entries ${ms(loaded - made)}, first load ${ms(again - loaded)}, load ${
      ms(performance.now() - again)
    }`,
  );
  const scaling: number[] = [];
  const moving: number[] = [];
  for (let i = 0; i < changes; i++) {
    const which = Math.floor(i / 2) % count;
    const start = performance.now();
    await plane.change(new Map([[`default/web${which}`, entryAt(which, i % 2 === 0 ? 4 : 5)]]));
    scaling.push(performance.now() - start);
  }
  for (let i = 0; i < changes; i++) {
    const which = i % count;
    const start = performance.now();
    const entry = entryAt(which, 5);
    const ports = entry.ports.map((port) => ({
      ...port,
      cluster: [...port.cluster.slice(1), { ip: `10.245.${i % 200}.${which % 200}`, port: 8080, local: false }],
    }));
    await plane.change(new Map([[entry.key, { ...entry, ports }]]));
    moving.push(performance.now() - start);
  }
  print(`  one change: endpoint more or less ${percentiles(scaling)}; endpoint replaced ${percentiles(moving)}`);
  const checked = performance.now();
  const differences = await plane.check();
  print(`  check ${ms(performance.now() - checked)}, differences: ${differences?.length}`);
}

async function benchDns(seconds: number): Promise<void> {
  const records = new Records("cluster.local", zoneFacts("cluster.local", "10.96.0.10"));
  for (let i = 0; i < 1_000; i++) {
    const one = service(`web${i}`, { clusterIP: formatIpv4(0x0a600100 + i) });
    records.setService(`default/web${i}`, one, []);
  }
  const zone = { records, ranges: [parseRange("10.96.0.0/16")!] };
  const forwarder = new Forwarder({
    servers: () => [],
    exchange: socketExchange(systemClock),
    clock: systemClock,
    random: systemRandom,
  });
  const resolver = new Resolver({ zone, forwarder, clock: systemClock, asker: () => undefined });
  const handler = new Handler({ zone, resolver, ready: Promise.resolve(), admits: () => true });
  const queries = Array.from({ length: 1_000 }, (_, i) =>
    encode({
      id: i,
      response: false,
      opcode: 0,
      authoritative: false,
      truncated: false,
      recursionDesired: true,
      recursionAvailable: false,
      checkingDisabled: false,
      rcode: 0,
      question: { name: `web${i}.default.svc.cluster.local`, type: types.A, class: 1 },
      answers: [],
      authority: [],
      additional: [],
      edns: undefined,
    }, 512));
  for (const query of queries) await handler.handle(query, "10.244.0.2", "udp");
  const start = performance.now();
  for (let i = 0; i < 300_000; i++) handler.handle(queries[i % 1_000]!, "10.244.0.2", "udp");
  const direct = 300_000 / (performance.now() - start) * 1_000;
  print(`DNS without sockets: ${Math.round(direct)} prepared answers per second`);
  const listening = await serveDns(handler, { address: "127.0.0.1", port: 0 }, systemClock);
  print(
    `DNS on 127.0.0.1:${listening.port}, 1,000 names web0…web999.default.svc.cluster.local, asked by ${
      asker(listening.port, seconds)
    }`,
  );
  await report(listening.port, seconds);
  await listening.close();
}

const asker = (port: number, seconds: number) =>
  `another process for ${seconds} s (compare: dnsperf -s 127.0.0.1 -p ${port} -c 8 -q 200)`;

/** Asks from a process of its own: client and server each have a core. */
async function report(port: number, seconds: number): Promise<void> {
  const script = new URL(import.meta.url).pathname;
  const text = await output(systemProcesses, [
    Deno.execPath(),
    "run",
    "-qA",
    script,
    "--ask",
    String(port),
    String(seconds),
  ]);
  print(`  ${text.trim()}`);
}

/** 64 questions in flight; prints how many were answered per second, and how soon. */
async function askLoop(port: number, seconds: number): Promise<void> {
  const sent = new Float64Array(65_536);
  const times: number[] = [];
  const socket = dgram.createSocket("udp4");
  let next = 0;
  const ask = () => {
    const id = next++ & 0xffff;
    const name = `web${id % 1_000}`;
    const bytes = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for (const label of [name, "default", "svc", "cluster", "local"]) {
      bytes.push(label.length, ...new TextEncoder().encode(label));
    }
    sent[id] = performance.now();
    socket.send(Uint8Array.from([...bytes, 0, 0, 1, 0, 1]), port, "127.0.0.1");
  };
  const start = performance.now();
  await new Promise<void>((resolve) => {
    socket.on("message", (answer) => {
      times.push(performance.now() - sent[(answer[0]! << 8) | answer[1]!]!);
      if (performance.now() - start < seconds * 1_000) ask();
      else resolve();
    });
    for (let i = 0; i < 64; i++) ask();
  });
  print(
    `${Math.round(times.length / (performance.now() - start) * 1_000)} answers per second, 64 in flight: ${
      percentiles(times)
    }`,
  );
  socket.close();
}

async function main(): Promise<void> {
  if (Deno.args[0] === "--ask") return await askLoop(Number(Deno.args[1]), Number(Deno.args[2]));
  const counts = Deno.args.length > 0 ? Deno.args.map(Number) : [10, 100, 1_000, 10_000];
  const name = `sx-bench-${Deno.pid}`;
  await output(systemProcesses, ["ip", "netns", "add", name]);
  const inside: Processes = {
    run: (command, options) => systemProcesses.run(["nsenter", `--net=/run/netns/${name}`, ...command], options),
    spawn: (command, options) => systemProcesses.spawn(["nsenter", `--net=/run/netns/${name}`, ...command], options),
  };
  try {
    for (const count of counts) await benchRules(inside, count);
  } finally {
    await output(systemProcesses, ["ip", "netns", "del", name]);
  }
  await benchDns(5);
}

await main();
