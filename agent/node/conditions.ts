/** A node's conditions (kubelet: pkg/kubelet/nodestatus/setters.go). Pure. */
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import type { NodeCondition } from "../../lib/types/core_v1.ts";
import type { HostUsage } from "./facts.ts";

/** Kubelet's default hard eviction thresholds. */
const memoryAvailableMin = 100 * 2 ** 20;
const diskAvailableMin: Record<HostUsage["disks"][number]["name"], number> = { nodefs: 0.1, imagefs: 0.15 };
const inodesFreeMin = 0.05;
const processesFreeMin = 0.05;

export interface Health {
  readonly usage: HostUsage;
  /** Why pods can't have a network; undefined when they can. */
  readonly networkWait: string | undefined;
  /** Why the engine can't be used. */
  readonly engineTrouble: string | undefined;
}

export function nodeConditions(old: readonly NodeCondition[], health: Health, now: Instant): NodeCondition[] {
  const before = new Map(old.map((condition) => [condition.type, condition]));
  const { usage } = health;
  const make = (type: string, status: boolean, reason: string, message: string): NodeCondition => {
    const text = status ? "True" : "False";
    const was = before.get(type);
    return {
      type,
      status: text,
      lastHeartbeatTime: rfc3339(now),
      lastTransitionTime: was?.status === text && was.lastTransitionTime !== undefined
        ? was.lastTransitionTime
        : rfc3339(now),
      reason,
      message,
    };
  };
  const memory = usage.memoryAvailableBytes < memoryAvailableMin;
  const disk = diskPressure(usage);
  const pids = usage.processesMax > 0 && usage.processes > usage.processesMax * (1 - processesFreeMin);
  const trouble = notReady(health);
  return [
    memory
      ? make("MemoryPressure", true, "KubeletHasInsufficientMemory", "kubelet has insufficient memory available")
      : make("MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    disk
      ? make("DiskPressure", true, "KubeletHasDiskPressure", "kubelet has disk pressure")
      : make("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    pids
      ? make("PIDPressure", true, "KubeletHasInsufficientPID", "kubelet has insufficient PID available")
      : make("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    trouble === undefined
      ? make("Ready", true, "KubeletReady", "kubelet is posting ready status")
      : make("Ready", false, "KubeletNotReady", trouble),
  ];
}

function diskPressure({ disks }: HostUsage): boolean {
  return disks.some(({ name, totalBytes, availableBytes, totalInodes, freeInodes }) =>
    (totalBytes > 0 && availableBytes < totalBytes * diskAvailableMin[name]) ||
    // Some file systems count no inodes.
    (totalInodes > 0 && freeInodes < totalInodes * inodesFreeMin)
  );
}

function notReady({ networkWait, engineTrouble }: Health): string | undefined {
  if (engineTrouble !== undefined) return `container runtime is down: ${engineTrouble}`;
  if (networkWait === undefined) return undefined;
  return `container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${networkWait}`;
}
