/** Rules for N Services × 5 endpoints into a kernel, in a network namespace of its own; then one change at a time. */
import { systemClock } from "../../lib/seams/clock.ts";
import { output, type Processes, systemProcesses } from "../../lib/seams/process.ts";
import { formatIpv4 } from "../../proxy/ipv4.ts";
import { type ServiceEntry, serviceEntry } from "../../proxy/model.ts";
import { NftPlane } from "../../proxy/nft/plane.ts";
import { at, service, slice } from "../../proxy/testing/objects.ts";
import { percentile, spread } from "./latency.ts";
import * as peers from "./peers.ts";
import type { Report } from "./report.ts";

const node = { name: "n1", addresses: ["192.0.2.1"] };
const net = {
  table: "sauropod-bench",
  clusterCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  dnsAddress: "10.96.0.10",
  loopbackNodePorts: true,
};
const changes = 100;
/** design, section 10: at 10,000 Services, and flat below. */
const targets = { fullMs: 1_000, changeMs: 50 };

/** The i-th of many Services. */
export function entryAt(i: number, endpoints: number): ServiceEntry {
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

/** An endpoint goes and comes back, in one Service after the other. */
async function scale(plane: NftPlane, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < changes; i++) {
    const which = Math.floor(i / 2) % count;
    const begun = performance.now();
    await plane.change(new Map([[`default/web${which}`, entryAt(which, i % 2 === 0 ? 4 : 5)]]));
    times.push(performance.now() - begun);
  }
  return times;
}

/** An endpoint gets another address, as in a rollout. */
async function replace(plane: NftPlane, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < changes; i++) {
    const which = i % count;
    const entry = entryAt(which, 5);
    const ports = entry.ports.map((port) => ({
      ...port,
      cluster: [...port.cluster.slice(1), { ip: `10.245.${i % 200}.${which % 200}`, port: 8080, local: false }],
    }));
    const begun = performance.now();
    await plane.change(new Map([[entry.key, { ...entry, ports }]]));
    times.push(performance.now() - begun);
  }
  return times;
}

/** Of the kernel, for itself: objects, counters for each core, large tables. MiB */
async function kernelMemory(): Promise<number> {
  const text = await Deno.readTextFile("/proc/meminfo");
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return (kib("SUnreclaim") + kib("Percpu") + kib("VmallocUsed")) / 1024;
}

async function rules(processes: Processes, count: number, report: Report): Promise<void> {
  const plane = new NftPlane({ net, processes, clock: systemClock, nodeAddresses: () => node.addresses });
  const of = `${count.toLocaleString("en-US")} Services`;
  const [kernelBefore, heapBefore] = [await kernelMemory(), Deno.memoryUsage().heapUsed];
  const begun = performance.now();
  const all = new Map(Array.from({ length: count }, (_, i) => entryAt(i, 5)).map((entry) => [entry.key, entry]));
  await plane.load(all);
  const loaded = performance.now();
  const kernel = await kernelMemory() - kernelBefore;
  const heap = (Deno.memoryUsage().heapUsed - heapBefore) / 2 ** 20;
  const again = performance.now();
  await plane.load(all);
  report.add({
    what: `${of}: first full load`,
    value: loaded - begun,
    unit: "ms",
    more: `again ${(performance.now() - again).toFixed(0)} ms`,
    target: { atMost: targets.fullMs },
    peer: peers.kubeProxy(peers.kubeProxyFullMs.get(count)),
  });
  const target = { atMost: targets.changeMs };
  const peer = peers.kubeProxy(peers.kubeProxyChangeMs.get(count));
  for (
    const [what, times] of [["more or less", await scale(plane, count)], [
      "replaced",
      await replace(plane, count),
    ]] as const
  ) {
    const value = percentile(times, 0.99);
    report.add({ what: `${of}: endpoint ${what}, p99`, value, unit: "ms", more: spread(times), target, peer });
  }
  report.note(`memory: kernel ${kernel.toFixed(0)} MiB, heap with its garbage ${heap.toFixed(0)} MiB more than before`);
  const checked = performance.now();
  const differences = await plane.check();
  const took = performance.now() - checked;
  report.note(`check of the kernel's rules ${took.toFixed(0)} ms, differences: ${differences?.length}`);
}

export async function proxy(report: Report): Promise<void> {
  if (Deno.uid() !== 0) return report.skip("rules", "needs root");
  const name = `sx-bench-${Deno.pid}`;
  await output(systemProcesses, ["ip", "netns", "add", name]);
  const enter = (command: readonly string[]) => ["nsenter", `--net=/run/netns/${name}`, ...command];
  const inside: Processes = {
    run: (command, options) => systemProcesses.run(enter(command), options),
    spawn: (command, options) => systemProcesses.spawn(enter(command), options),
  };
  try {
    for (const count of [10, 1_000, 10_000]) await rules(inside, count, report);
  } finally {
    await output(systemProcesses, ["ip", "netns", "del", name]);
  }
}
