/** A whole one-host cluster on a lab host, as a user starts it: how soon it is Ready, how small it is, how soon its pods are. */
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { Cluster } from "../harness/cluster.ts";
import { findBusybox } from "../harness/image.ts";
import { loadImages } from "../harness/images.ts";
import { engineInstalled, type EngineKind } from "../harness/lab/engine.ts";
import type { Host } from "../harness/lab/host.ts";
import { createLab } from "../harness/lab/lab.ts";
import { median, spread } from "./latency.ts";
import { listed, memoryOfHost, sum } from "./memory.ts";
import type { PodStarts } from "./pod_start.ts";
import * as peers from "./peers.ts";
import type { Report } from "./report.ts";

const engines: readonly EngineKind[] = ["podman", "docker"];
const ours = new Set(["supervisor", "apiserver", "agent", "proxy", "redis-server"]);
/** design, section 10 */
const targets = { readyMs: 3_000, idleMiB: 200, podFactor: 1.3 };
const idleMs = 20_000;

function obstacle(engine: EngineKind): string | undefined {
  if (Deno.uid() !== 0) return "needs root";
  if (!engineInstalled(engine)) return `needs ${engine}`;
  return findBusybox() === undefined ? "needs busybox-static" : undefined;
}

/** Runs it on a host of its own for each engine. */
async function onHosts(
  report: Report,
  what: string,
  run: (host: Host, engine: EngineKind) => Promise<void>,
): Promise<void> {
  for (const engine of engines) {
    const why = obstacle(engine);
    if (why !== undefined) {
      report.skip(`${what}, ${engine}`, why);
      continue;
    }
    await using lab = await createLab({ name: "bench", hosts: [engine], prefix: "10.99.7" });
    const [host] = lab.hosts;
    await loadImages(host!);
    await run(host!, engine);
  }
}

export async function start(report: Report): Promise<void> {
  await onHosts(report, "start to Ready", async (host, engine) => {
    await using cluster = new Cluster(host);
    const first = await cluster.start();
    report.add({
      what: `first start to a Ready node, ${engine}`,
      value: first,
      unit: "ms",
      target: { atMost: targets.readyMs },
      peer: peers.kubeStartMs,
    });
    const again: number[] = [];
    for (let i = 0; i < 3; i++) {
      await cluster.stop();
      again.push(await cluster.start());
    }
    const value = median(again);
    report.add({
      what: `later start to a Ready node, ${engine}`,
      value,
      unit: "ms",
      target: { atMost: targets.readyMs },
    });
  });
}

/** Of the cluster, and of everything else on the host: the engine and the pods. */
async function hostMemory(host: Host) {
  const all = await memoryOfHost(Number(await Deno.readTextFile(`${host.dir}/init.pid`)));
  return { cluster: all.filter(({ name }) => ours.has(name)), others: all.filter(({ name }) => !ours.has(name)) };
}

export async function memory(report: Report): Promise<void> {
  await onHosts(report, "idle memory", async (host, engine) => {
    await using cluster = new Cluster(host);
    await cluster.start();
    await sleep(systemClock, idleMs);
    const idle = await hostMemory(host);
    report.add({
      what: `one-host cluster, idle ${idleMs / 1000} s, ${engine}`,
      value: sum(idle.cluster),
      unit: "MiB",
      target: { atMost: targets.idleMiB },
      peer: peers.kubeIdleMiB,
    });
    report.note(listed(idle.cluster));
    report.note(`not ours: ${listed(idle.others)}`);
  });
}

/** Runs a program of this folder on the host and answers the JSON that it prints last. */
async function inside<T>(host: Host, program: string, args: readonly string[]): Promise<T> {
  const path = new URL(program, import.meta.url).pathname;
  const { code, stdout, stderr } = await host.exec([
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    "--no-check",
    path,
    ...args,
  ]);
  if (code !== 0) throw new Error(`${program}: exit code ${code}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1)!) as T;
}

export async function pods(report: Report): Promise<void> {
  await onHosts(report, "pod start", async (host, engine) => {
    await using cluster = new Cluster(host);
    await cluster.start();
    const starts = await inside<PodStarts>(host, "pod_start.ts", [`${cluster.dataDir}/kubeconfig`, host.engineSocket]);
    const own = median(starts.engineMs);
    const value = median(starts.podMs);
    report.add({
      what: `pod: created to Ready, ${engine}`,
      value,
      unit: "ms",
      more: spread(starts.podMs),
      target: { atMost: own * targets.podFactor },
      peer: { name: `${engine}, the same two containers`, value: own, here: true },
    });
    report.note(
      `${engine} itself: create infra ${
        starts.steps.map((ms) => ms.toFixed(0)).join(" + ")
      } ms (create, start, create, start)`,
    );
    const after = await hostMemory(host);
    report.note(
      `private memory after ${starts.podMs.length} pods: ${listed(after.cluster)} = ${
        sum(after.cluster).toFixed(0)
      } MiB`,
    );
  });
}
