/** What is known about a Node's life: its heartbeats as we saw them, and the conditions that follow (node_lifecycle_controller.go). Pure. */
import { nodeStartupGraceMs } from "../../../lib/limits.ts";
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type { Node, NodeCondition } from "../../../lib/types/core_v1.ts";

/** The last heartbeat, and when it was seen, on our own clock: the Node's clock may be wrong. */
export interface Heartbeat {
  /** Equal as long as nothing new was heard. */
  sign: string;
  seenAt: Instant;
}

export function readyCondition(node: Node): NodeCondition | undefined {
  return node.status.conditions?.find((condition) => condition.type === "Ready");
}

/** `undefined` counts as unknown. */
export function readiness(node: Node): "True" | "False" | "Unknown" {
  const status = readyCondition(node)?.status;
  return status === "True" || status === "False" ? status : "Unknown";
}

/** The sign of life that a Node and its Lease show: it changes with each heartbeat. */
export function lifeSign(node: Node, renewTime: string | undefined): string {
  return `${readyCondition(node)?.lastHeartbeatTime ?? ""} ${renewTime ?? ""}`;
}

/** When silence becomes Unknown. */
export function silentAt(node: Node, heartbeat: Heartbeat, graceMs: number): Instant {
  const grace = readyCondition(node) === undefined ? nodeStartupGraceMs : graceMs;
  return heartbeat.seenAt + grace;
}

const watched = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"] as const;

/** The conditions of a Node that has fallen silent; `undefined` when they say so already. */
export function silentConditions(node: Node, now: Instant): NodeCondition[] | undefined {
  const current = node.status.conditions ?? [];
  const at = rfc3339(now);
  let changed = false;
  const conditions = [...current];
  for (const type of watched) {
    const index = conditions.findIndex((condition) => condition.type === type);
    const before = conditions[index];
    if (before === undefined) {
      conditions.push({
        type,
        status: "Unknown",
        reason: "NodeStatusNeverUpdated",
        message: "Kubelet never posted node status.",
        lastHeartbeatTime: node.metadata.creationTimestamp,
        lastTransitionTime: at,
      });
      changed = true;
    } else if (before.status !== "Unknown") {
      conditions[index] = {
        ...before,
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
        lastTransitionTime: at,
      };
      changed = true;
    }
  }
  return changed ? conditions : undefined;
}
