/** `/stats/summary`: what `kubectl top`'s sources and dashboards read (k8s.io/kubelet/pkg/apis/stats/v1alpha1). Pure. */
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import type { HostUsage } from "./facts.ts";
import type { PodUse } from "./stats.ts";

export interface HostUse {
  /** When it was measured. */
  readonly timeMs: Instant;
  readonly usage: HostUsage;
  readonly cpuNanos: number;
  /** What it uses now, in billionths of a core; absent at the first look. */
  readonly cpuNanoCores?: number;
  readonly memoryBytes: number;
}

export function statsSummary(nodeName: string, host: HostUse, pods: readonly PodUse[], now: Instant): unknown {
  const time = rfc3339(now);
  const disk = (name: "nodefs" | "imagefs") => {
    const found = host.usage.disks.find((one) => one.name === name);
    return found === undefined ? undefined : {
      time,
      availableBytes: found.availableBytes,
      capacityBytes: found.totalBytes,
      usedBytes: found.totalBytes - found.availableBytes,
      inodesFree: found.freeInodes,
      inodes: found.totalInodes,
      inodesUsed: found.totalInodes - found.freeInodes,
    };
  };
  const used = host.memoryBytes - host.usage.memoryAvailableBytes;
  return {
    node: {
      nodeName,
      cpu: { time, usageNanoCores: host.cpuNanoCores, usageCoreNanoSeconds: host.cpuNanos },
      memory: { time, availableBytes: host.usage.memoryAvailableBytes, usageBytes: used, workingSetBytes: used },
      fs: disk("nodefs"),
      runtime: { imageFs: disk("imagefs"), containerFs: disk("imagefs") },
      rlimit: { time, maxpid: host.usage.processesMax, curproc: host.usage.processes },
    },
    pods: pods.map((use) => podSummary(use, time)),
  };
}

function podSummary({ pod, containers }: PodUse, time: string): unknown {
  const { name, namespace, uid } = pod.metadata;
  const sum = (of: (use: PodUse["containers"][number]) => number) =>
    containers.reduce((total, use) => total + of(use), 0);
  return {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime,
    containers: containers.map(({ name: container, container: { startedMs }, stats, nanoCores }) => ({
      name: container,
      startTime: startedMs === undefined ? undefined : rfc3339(startedMs),
      cpu: { time: rfc3339(stats.timeMs), usageNanoCores: nanoCores, usageCoreNanoSeconds: stats.cpuNanos },
      memory: {
        time: rfc3339(stats.timeMs),
        usageBytes: stats.memoryUsageBytes,
        workingSetBytes: stats.memoryWorkingSetBytes,
        rssBytes: stats.memoryRssBytes,
      },
    })),
    cpu: {
      time,
      usageNanoCores: containers.some(({ nanoCores }) => nanoCores === undefined)
        ? undefined
        : sum(({ nanoCores }) => nanoCores ?? 0),
      usageCoreNanoSeconds: sum(({ stats }) => stats.cpuNanos),
    },
    memory: {
      time,
      usageBytes: sum(({ stats }) => stats.memoryUsageBytes),
      workingSetBytes: sum(({ stats }) => stats.memoryWorkingSetBytes),
      rssBytes: sum(({ stats }) => stats.memoryRssBytes),
    },
    process_stats: { process_count: sum(({ stats }) => stats.pids) },
  };
}
