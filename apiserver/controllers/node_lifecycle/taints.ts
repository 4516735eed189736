/** The taints that a Node's conditions call for. Pure. */
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type { Node, Taint } from "../../../lib/types/core_v1.ts";
import { same } from "../same.ts";
import { readiness } from "./health.ts";

export const notReady = "node.kubernetes.io/not-ready";
export const unreachable = "node.kubernetes.io/unreachable";
const unschedulable = "node.kubernetes.io/unschedulable";

/** Condition → its status → the key of the NoSchedule taint. */
const byCondition: Record<string, Record<string, string>> = {
  Ready: { False: notReady, Unknown: unreachable },
  MemoryPressure: { True: "node.kubernetes.io/memory-pressure" },
  DiskPressure: { True: "node.kubernetes.io/disk-pressure" },
  NetworkUnavailable: { True: "node.kubernetes.io/network-unavailable" },
  PIDPressure: { True: "node.kubernetes.io/pid-pressure" },
};
const ownKeys = new Set([unschedulable, ...Object.values(byCondition).flatMap((keys) => Object.values(keys))]);

export type NoExecute = "not-ready" | "unreachable" | "none";

/** The NoExecute taint that the Node should have, by its readiness. */
export function wantedNoExecute(node: Node): NoExecute {
  const states = { True: "none", False: "not-ready", Unknown: "unreachable" } as const;
  return states[readiness(node)];
}

/** The NoExecute taint that it has. */
export function currentNoExecute(node: Node): NoExecute {
  const has = (key: string) =>
    (node.spec.taints ?? []).some((taint) => taint.key === key && taint.effect === "NoExecute");
  return has(unreachable) ? "unreachable" : has(notReady) ? "not-ready" : "none";
}

/**
 * All taints of the Node as they should be: the NoSchedule ones from its conditions, and the NoExecute one that was decided on. Taints
 * of others are kept. `undefined` when nothing changes.
 */
export function wantedTaints(node: Node, noExecute: NoExecute, now: Instant): Taint[] | undefined {
  const current = node.spec.taints ?? [];
  const keys = new Set<string>(node.spec.unschedulable ? [unschedulable] : []);
  for (const { type, status } of node.status.conditions ?? []) {
    const key = byCondition[type]?.[status];
    if (key !== undefined) keys.add(key);
  }
  const wanted: Pick<Taint, "key" | "effect">[] = [...keys].map((key) => ({ key, effect: "NoSchedule" }));
  if (noExecute !== "none") {
    wanted.push({ key: noExecute === "unreachable" ? unreachable : notReady, effect: "NoExecute" });
  }
  const isOurs = ({ key, effect }: Taint) =>
    (effect === "NoSchedule" && ownKeys.has(key)) ||
    (effect === "NoExecute" && (key === notReady || key === unreachable));
  const equal = (a: Pick<Taint, "key" | "effect">, b: Taint) => a.key === b.key && a.effect === b.effect;
  const kept = current.filter((taint) => !isOurs(taint) || wanted.some((w) => equal(w, taint)));
  const added = wanted.filter((w) => !current.some((taint) => equal(w, taint)));
  const taints = [...kept, ...added.map((taint) => ({ ...taint, timeAdded: rfc3339(now) }))];
  return same(taints, current) ? undefined : taints;
}
