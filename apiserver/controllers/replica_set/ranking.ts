/** Which pods go first when replicas are scaled down (pkg/controller/controller_utils.go, ActivePodsWithRanks). Pure. */
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { isActive, isReady, readySince } from "../pod_state.ts";

const phaseOrder: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

interface Ranked {
  pod: Pod;
  /** Active pods of the same owner's replica sets on its node. */
  neighbours: number;
}

/** The `count` pods of `pods` to delete. `related` are the pods of all replica sets of the same owner. */
export function podsToDelete(
  pods: readonly Pod[],
  related: readonly Pod[],
  count: number,
  now: Instant,
): readonly Pod[] {
  if (count >= pods.length) return pods;
  const onNode = new Map<string, number>();
  for (const pod of related) {
    if (isActive(pod)) onNode.set(nodeOf(pod), (onNode.get(nodeOf(pod)) ?? 0) + 1);
  }
  const ranked = pods.map((pod): Ranked => ({ pod, neighbours: onNode.get(nodeOf(pod)) ?? 0 }));
  return ranked.sort((a, b) => compare(a, b, now)).slice(0, count).map(({ pod }) => pod);
}

const nodeOf = (pod: Pod) => pod.spec.nodeName ?? "";

/** Negative: `a` is deleted before `b`. */
function compare(a: Ranked, b: Ranked, now: Instant): number {
  return unassigned(b.pod) - unassigned(a.pod) ||
    phase(a.pod) - phase(b.pod) ||
    Number(isReady(a.pod)) - Number(isReady(b.pod)) ||
    deletionCost(a.pod) - deletionCost(b.pod) ||
    b.neighbours - a.neighbours ||
    byReadyTime(a.pod, b.pod, now) ||
    byRestarts(a.pod, b.pod) ||
    byAge(
      Date.parse(a.pod.metadata.creationTimestamp),
      Date.parse(b.pod.metadata.creationTimestamp),
      a.pod,
      b.pod,
      now,
    );
}

const unassigned = (pod: Pod) => nodeOf(pod) === "" ? 1 : 0;
const phase = (pod: Pod) => phaseOrder[pod.status.phase ?? "Pending"] ?? 0;

/** controller.kubernetes.io/pod-deletion-cost, a 32-bit integer; anything else counts as 0. */
export function deletionCost(pod: Pod): number {
  const text = pod.metadata.annotations?.["controller.kubernetes.io/pod-deletion-cost"];
  if (text === undefined || !/^(0|-?[1-9][0-9]{0,9})$/.test(text)) return 0;
  const cost = Number(text);
  return cost < -(2 ** 31) || cost > 2 ** 31 - 1 ? 0 : cost;
}

function byReadyTime(a: Pod, b: Pod, now: Instant): number {
  if (!isReady(a) || !isReady(b)) return 0;
  const [x, y] = [readySince(a), readySince(b)];
  if (x === y) return 0;
  // One that does not say since when counts as ready for the shortest time.
  if (x === undefined || y === undefined) return x === undefined ? -1 : 1;
  return byAge(x, y, a, b, now);
}

/**
 * The younger first, ages being compared on a logarithmic scale: among pods of about the same age the victim is as good as random (by
 * uid), so that a scale-down does not always hit the newest zone.
 */
function byAge(x: Instant, y: Instant, a: Pod, b: Pod, now: Instant): number {
  if (x === y || Number.isNaN(x) || Number.isNaN(y)) return 0;
  return logarithm(now - x) - logarithm(now - y) || (a.metadata.uid < b.metadata.uid ? -1 : 1);
}

/** floor(log2) of the age in nanoseconds, as upstream; -1 for none. */
const logarithm = (ageMs: number) => ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1;

/** More restarts first: of ordinary containers, then of sidecars. */
function byRestarts(a: Pod, b: Pod): number {
  const [x, y] = [maxRestarts(a), maxRestarts(b)];
  return y.regular - x.regular || y.sidecar - x.sidecar;
}

function maxRestarts(pod: Pod): { regular: number; sidecar: number } {
  const sidecars = new Set(
    (pod.spec.initContainers ?? []).filter((c) => c.restartPolicy === "Always").map((c) => c.name),
  );
  const most = (counts: number[]) => counts.reduce((max, count) => Math.max(max, count), 0);
  return {
    regular: most((pod.status.containerStatuses ?? []).map((status) => status.restartCount)),
    sidecar: most(
      (pod.status.initContainerStatuses ?? []).filter((s) => sidecars.has(s.name)).map((status) => status.restartCount),
    ),
  };
}
