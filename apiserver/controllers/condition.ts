/** Conditions of replica sets and deployments: replaced only when their status or reason changes. Pure. */
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";

export interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
  lastUpdateTime?: string;
}

export interface NewCondition {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
}

export function conditionOf(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition(conditions: readonly Condition[] | undefined, type: string): Condition[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

export interface SetOptions {
  /** Deployments' conditions say when they were looked at last. */
  updateTime?: true;
}

/**
 * The conditions with this one set. Equal status and reason change nothing, so that a message which counts something does not
 * make a write of every look; an equal status keeps its transition time.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: NewCondition,
  now: Instant,
  options: SetOptions = {},
): Condition[] {
  const current = conditionOf(conditions, next.type);
  if (current?.status === next.status && current.reason === next.reason) return [...conditions!];
  return replaceCondition(conditions, next, now, options);
}

/** As withCondition(), but equal status and reason are written anew, too. */
export function replaceCondition(
  conditions: readonly Condition[] | undefined,
  next: NewCondition,
  now: Instant,
  options: SetOptions = {},
): Condition[] {
  const current = conditionOf(conditions, next.type);
  const at = rfc3339(now);
  const kept = current?.status === next.status ? current.lastTransitionTime : undefined;
  const updated = options.updateTime ? { lastUpdateTime: at } : {};
  return [...withoutCondition(conditions, next.type), { ...next, ...updated, lastTransitionTime: kept ?? at }];
}
