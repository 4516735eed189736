/** Why a pod could not be placed, in the words of `kubectl describe` (framework.FitError). Pure. */
import type { Unplaced } from "./schedule.ts";

export const noNodes = "no nodes available to schedule pods";

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s).` and, after it, what preemption says. */
export function failureMessage({ refusals, nodes, hopeless, excludedBy }: Unplaced, preemption?: string): string {
  if (nodes === 0) return noNodes;
  const after = preemption === undefined || preemption === "" ? "" : ` preemption: ${preemption}`;
  if (hopeless !== undefined) return `0/${nodes} nodes are available: ${hopeless}.${after}`;
  const counts = new Map<string, number>();
  const count = (reason: string, times: number) => counts.set(reason, (counts.get(reason) ?? 0) + times);
  for (const { reasons } of refusals.values()) for (const reason of reasons) count(reason, 1);
  const unasked = nodes - refusals.size;
  if (excludedBy !== undefined && unasked > 0) {
    count(`node(s) didn't satisfy plugin(s) [${excludedBy.join(" ")}]`, unasked);
  }
  return `0/${nodes} nodes are available:${histogram(counts)}${after}`;
}

/** Sorted as texts, the counts included, as Kubernetes does. */
export function histogram(counts: ReadonlyMap<string, number>): string {
  if (counts.size === 0) return "";
  return ` ${[...counts].map(([reason, times]) => `${times} ${reason}`).sort().join(", ")}.`;
}
