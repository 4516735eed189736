/** What the kubelet API tells, from the agent's parts. */
import process from "node:process";
import { readText } from "../lib/seams/files.ts";
import type { Processes } from "../lib/seams/process.ts";
import { createAccess } from "./access/access.ts";
import { gitVersion } from "../lib/version.ts";
import type { HostFacts } from "./node/facts.ts";
import { hostUsage } from "./node/facts.ts";
import { cadvisorMetrics } from "./cadvisor/families.ts";
import { lookForCadvisor } from "./cadvisor/look.ts";
import { type Family, family } from "./node/metrics.ts";
import { createPodStats, hostCpuNanos, nanoCores } from "./node/stats.ts";
import type { Assigned } from "./pods/assigned.ts";
import { isSandboxAlive, type Observed } from "./pods/observed.ts";
import type { NodeParts } from "./pods/pod_context.ts";
import type { PodWorkers } from "./pods/workers.ts";
import type { ProbeCounts } from "./probes/counts.ts";
import type { KubeletApi } from "./server.ts";
import { createAgentStreams } from "./streams.ts";

export interface KubeletApiParts {
  readonly parts: NodeParts;
  readonly assigned: Assigned;
  readonly workers: PodWorkers;
  readonly facts: HostFacts;
  readonly paths: { readonly data: string; readonly images: string };
  readonly probeCounts: ProbeCounts;
  readonly processes: Processes;
  /** For sockets: short, gone after a reboot. */
  readonly runDirectory: string;
}

export function kubeletApi(given: KubeletApiParts): KubeletApi {
  const { parts, assigned, workers, facts, paths } = given;
  const { engine, clock, observer } = parts;
  const runningOf = (uid: string): Observed[] =>
    [...observer.ofPod(uid).containers.values()].flat().filter(({ state }) => state === "running");
  const source = {
    *running() {
      for (const uid of assigned.uids()) {
        const pod = workers.pod(uid);
        const containers = runningOf(uid);
        if (pod !== undefined && containers.length > 0) yield { pod, containers };
      }
    },
  };
  const access = createAccess({ client: parts.client, clock, nodeName: parts.node.name });
  let hostBefore: { timeMs: number; cpuNanos: number } | undefined;
  const stats = createPodStats({ engine, clock, source });
  const host = async () => {
    const cpuNanos = hostCpuNanos(await readText("/proc/stat") ?? "");
    const look = { timeMs: clock.now(), cpuNanos };
    const cpuNanoCores = nanoCores(hostBefore, look);
    hostBefore = look;
    return { ...look, cpuNanoCores, usage: await hostUsage(paths), memoryBytes: facts.memoryBytes };
  };
  const sandboxes = (uid: string) => observer.ofPod(uid).sandboxes;
  const lookAgain = async () =>
    cadvisorMetrics(await lookForCadvisor({ facts, host: await host(), pods: await stats.pods(), sandboxes, paths }));
  let looking: Promise<Family[]> | undefined;
  return {
    nodeName: parts.node.name,
    clock,
    access,
    stats,
    host,
    // Who asks while we look is answered the same.
    cadvisor: () => looking ??= lookAgain().finally(() => looking = undefined),
    probeMetrics: () => given.probeCounts.metrics(),
    streams: createAgentStreams({ ...given, pod: (uid) => workers.pod(uid) }),
    pods: () => [...assigned.uids()].flatMap((uid) => workers.pod(uid) ?? []),
    trouble: () => observer.trouble,
    ownMetrics: () => [...ownMetrics(given), ...access.metrics()],
  };
}

function ownMetrics({ parts, assigned, facts }: KubeletApiParts): Family[] {
  const one = (value: number, labels: Record<string, string> = {}) => [{ labels, value }];
  const gauge = (name: string, help: string, samples: Family["samples"]) => family(name, "gauge", help, samples);
  const containers = new Map<string, number>([["running", 0]]);
  let sandboxes = 0;
  for (const uid of parts.observer.uids()) {
    const there = parts.observer.ofPod(uid);
    if (there.sandboxes.some(isSandboxAlive)) sandboxes++;
    for (const { state } of [...there.containers.values()].flat()) {
      containers.set(state, (containers.get(state) ?? 0) + 1);
    }
  }
  const build = {
    git_version: gitVersion,
    go_version: `deno${Deno.version.deno}`,
    platform: `linux/${facts.architecture}`,
  };
  const { user, system } = process.cpuUsage();
  return [
    gauge("kubernetes_build_info", "A metric with a constant '1' value labeled by what was built.", one(1, build)),
    gauge("kubelet_node_name", "The node's name. The count is always 1.", one(1, { node: parts.node.name })),
    gauge("kubelet_desired_pods", "Pods that this node is to run.", one([...assigned.uids()].length)),
    gauge("kubelet_running_pods", "Number of pods that have a running pod sandbox", one(sandboxes)),
    gauge(
      "kubelet_running_containers",
      "Number of containers currently running",
      [...containers].map(([container_state, value]) => ({ labels: { container_state }, value })),
    ),
    family(
      "process_cpu_seconds_total",
      "counter",
      "Total user and system CPU time spent in seconds.",
      one((user + system) / 1e6),
    ),
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", one(Deno.memoryUsage().rss)),
    gauge(
      "process_start_time_seconds",
      "Start time of the process since unix epoch in seconds.",
      one(Math.floor(performance.timeOrigin / 1000)),
    ),
  ];
}
