/** The smallest strategic merge patch that turns one pod status into another. Pure. */
import type { PodCondition, PodStatus } from "../../lib/types/core_v1.ts";

import { passingConditions } from "./conditions.ts";

/** Fields that the agent writes; others (nominatedNodeName, resize, …) have other writers. */
const ownFields = [
  "observedGeneration",
  "phase",
  "reason",
  "message",
  "hostIP",
  "hostIPs",
  "podIP",
  "podIPs",
  "startTime",
  "qosClass",
  "initContainerStatuses",
  "containerStatuses",
  "ephemeralContainerStatuses",
] as const satisfies readonly (keyof PodStatus)[];

/** Lists that the server would merge by their key: they are replaced as a whole. */
const mergedLists: ReadonlySet<string> = new Set(["hostIPs", "podIPs"]);

/** The value of `status` in the patch; undefined when nothing is to be said. */
export function statusPatch(old: PodStatus, next: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const field of ownFields) {
    const value = next[field];
    if (sameJson(old[field], value)) continue;
    if (value === undefined) patch[field] = null;
    else patch[field] = mergedLists.has(field) ? [...value as unknown[], { $patch: "replace" }] : value;
  }
  const conditions = changedConditions(old.conditions ?? [], next.conditions ?? []);
  // By type, so that conditions of others (readiness gates) are left alone.
  if (conditions.length > 0) patch.conditions = conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

function changedConditions(old: readonly PodCondition[], next: readonly PodCondition[]): unknown[] {
  const before = new Map(old.map((condition) => [condition.type, condition]));
  const passed = passingConditions.filter((type) => before.has(type) && !next.some((one) => one.type === type));
  const gone = passed.map((type) => ({ type, $patch: "delete" }));
  const changed = next.flatMap((condition) => {
    const was = before.get(condition.type);
    if (was !== undefined && sameCondition(was, condition)) return [];
    // Merging keeps what is not mentioned.
    const cleared = {
      ...(was?.reason !== undefined && condition.reason === undefined ? { reason: null } : {}),
      ...(was?.message !== undefined && condition.message === undefined ? { message: null } : {}),
    };
    return [{ ...condition, ...cleared }];
  });
  return [...changed, ...gone];
}

function sameCondition(a: PodCondition, b: PodCondition): boolean {
  return a.status === b.status && (a.reason ?? "") === (b.reason ?? "") && (a.message ?? "") === (b.message ?? "") &&
    a.observedGeneration === b.observedGeneration && a.lastTransitionTime === b.lastTransitionTime;
}

/** Equal as JSON: a field that is undefined, and an empty list or object, is as good as none. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isNothing(a) && isNothing(b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  }
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
