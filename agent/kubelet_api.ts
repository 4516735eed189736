/** What the kubelet API tells, from the agent's parts. */
import { readText } from "../lib/seams/files.ts";
import type { Processes } from "../lib/seams/process.ts";
import { createAccess } from "./access/access.ts";
import type { HostFacts } from "./node/facts.ts";
import { hostUsage } from "./node/facts.ts";
import { type Family, family } from "./node/metrics.ts";
import { createPodStats, hostCpuNanos, nanoCores } from "./node/stats.ts";
import type { Assigned } from "./pods/assigned.ts";
import type { Observed } from "./pods/observed.ts";
import type { NodeParts } from "./pods/pod_context.ts";
import type { PodWorkers } from "./pods/workers.ts";
import type { KubeletApi } from "./server.ts";
import { createAgentStreams } from "./streams.ts";

export interface KubeletApiParts {
  readonly parts: NodeParts;
  readonly assigned: Assigned;
  readonly workers: PodWorkers;
  readonly facts: HostFacts;
  readonly paths: { readonly data: string; readonly images: string };
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
  return {
    nodeName: parts.node.name,
    clock,
    access,
    cpus: facts.cpus,
    stats: createPodStats({ engine, clock, source }),
    streams: createAgentStreams({ ...given, pod: (uid) => workers.pod(uid) }),
    pods: () => [...assigned.uids()].flatMap((uid) => workers.pod(uid) ?? []),
    async host() {
      const cpuNanos = hostCpuNanos(await readText("/proc/stat") ?? "");
      const look = { timeMs: clock.now(), cpuNanos };
      const cpuNanoCores = nanoCores(hostBefore, look);
      hostBefore = look;
      return { ...look, cpuNanoCores, usage: await hostUsage(paths), memoryBytes: facts.memoryBytes };
    },
    trouble: () => observer.trouble,
    ownMetrics(): Family[] {
      const one = (value: number, labels: Record<string, string> = {}) => [{ labels, value }];
      const containers = [...observer.uids()].reduce((sum, uid) => sum + runningOf(uid).length, 0);
      const pods = [...source.running()].length;
      return [
        family(
          "kubelet_node_name",
          "gauge",
          "The node's name. The count is always 1.",
          one(1, { node: parts.node.name }),
        ),
        family("kubelet_desired_pods", "gauge", "Pods that this node is to run.", one([...assigned.uids()].length)),
        family("kubelet_running_pods", "gauge", "Pods that have a running container.", one(pods)),
        family(
          "kubelet_running_containers",
          "gauge",
          "Containers currently running.",
          one(containers, { container_state: "running" }),
        ),
        family("process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", one(Deno.memoryUsage().rss)),
        ...access.metrics(),
      ];
    },
  };
}
