/** Whether a node's status has to be told now, and how. Pure. */
import { nodeHeartbeatMs } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { NodeCondition, NodeStatus } from "../../lib/types/core_v1.ts";
import { sameJson } from "../pods/status_patch.ts";

const ownFields = ["capacity", "allocatable", "daemonEndpoints", "nodeInfo", "images"] as const;

/**
 * The `status` of a strategic merge patch. Undefined when all is as it was told; the heartbeats in conditions are news only once in
 * nodeHeartbeatMs (the Lease says that the node lives).
 */
export function nodeStatusPatch(old: NodeStatus, next: NodeStatus, now: Instant): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of ownFields) if (!sameJson(old[field], next[field])) patch[field] = next[field];
  if (!sameJson(old.addresses, next.addresses)) patch.addresses = [...next.addresses ?? [], { $patch: "replace" }];
  const before = new Map((old.conditions ?? []).map((condition) => [condition.type, condition]));
  const conditions = next.conditions ?? [];
  const changed = conditions.some((condition) => !sameCondition(before.get(condition.type), condition));
  const heartbeat = conditions.some(({ type }) => now - lastHeartbeat(before.get(type)) >= nodeHeartbeatMs);
  // Others' conditions are merged by type and stay.
  if (changed || heartbeat) patch.conditions = conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

const lastHeartbeat = (condition: NodeCondition | undefined) => Date.parse(condition?.lastHeartbeatTime ?? "") || 0;

function sameCondition(a: NodeCondition | undefined, b: NodeCondition): boolean {
  return a !== undefined && a.status === b.status && a.reason === b.reason && a.message === b.message;
}
