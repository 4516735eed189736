/**
 * Decides what a PodDisruptionBudget's status says: how many pods there should be, how many are well, how many may go. Pure.
 * Source: pkg/controller/disruption/disruption.go. Spending the budget is the eviction's own business.
 */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import { disruptionTimeoutMs } from "../../../lib/limits.ts";
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import type { Condition, OwnerReference } from "../../../lib/types/meta_v1.ts";
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../../lib/types/policy_v1.ts";
import { scaled } from "../deployment/fenceposts.ts";
import { controllerOf } from "../owner.ts";
import { isReady } from "../pod_state.ts";
import { same } from "../same.ts";

/** How many pods a controller wants, and who says so; a text: why that cannot be said. */
export type Scale = { uid: string; replicas: number } | string;

export interface DisruptionView {
  budget: PodDisruptionBudget;
  /** That it selects. */
  pods: readonly Pod[];
  scaleOf(owner: OwnerReference, pod: Pod): Scale;
}

export type DisruptionAction =
  | { do: "updateStatus"; status: PodDisruptionBudgetStatus; why: string }
  /** About the budget, or about a pod of it. */
  | { do: "report"; pod?: Pod; type: "Normal" | "Warning"; reason: string; message: string; why: string };

type Planned = readonly (DisruptionAction | WakeAt)[];

export function planDisruption(view: DisruptionView, now: Instant): Planned {
  const { budget, pods } = view;
  const actions: (DisruptionAction | WakeAt)[] = [];
  if (pods.length === 0) actions.push(report("Normal", "NoPods", "No matching pods found"));
  const expected = expectedOf(view);
  if (typeof expected === "string") return [...actions, ...refuse(budget, expected, now)];
  if (expected.unmanaged > 0) actions.push(report("Warning", "UnmanagedPods", unmanagedMessage));
  const disrupted = disruptedOf(view, now);
  actions.push(...disrupted.late.map((pod) => lateReport(budget, pod)));
  const status = statusOf(view, expected, disrupted.pods, now);
  if (!same(status, budget.status)) actions.push({ do: "updateStatus", status, why: "it differs from its pods" });
  if (disrupted.next !== undefined) {
    actions.push({ do: "wakeAt", at: disrupted.next, why: "an evicted pod should be gone by then" });
  }
  return actions;
}

const report = (type: "Normal" | "Warning", reason: string, message: string): DisruptionAction => ({
  do: "report",
  type,
  reason,
  message,
  why: message,
});

const unmanagedMessage = "Pods selected by this PodDisruptionBudget were found to be unmanaged. As a result, the " +
  "status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these " +
  'pods please set ".spec.minAvailable" field of the PDB to an integer value.';

interface Expected {
  pods: number;
  healthy: number;
  /** Pods that nobody would make anew. */
  unmanaged: number;
}

/** How many there should be; a text: why that cannot be said. */
function expectedOf(view: DisruptionView): Expected | string {
  const { maxUnavailable, minAvailable } = view.budget.spec;
  if (maxUnavailable === undefined && typeof minAvailable === "number") {
    return { pods: view.pods.length, healthy: minAvailable, unmanaged: 0 };
  }
  if (maxUnavailable === undefined && minAvailable === undefined) return { pods: 0, healthy: 0, unmanaged: 0 };
  const scales = new Map<string, number>();
  const known = new Set<string>();
  let unmanaged = 0;
  for (const pod of view.pods) {
    const owner = controllerOf(pod);
    if (owner === undefined) {
      unmanaged++;
    } else if (!known.has(owner.uid)) {
      const scale = view.scaleOf(owner, pod);
      if (typeof scale === "string") return scale;
      known.add(owner.uid);
      scales.set(scale.uid, scale.replicas);
    }
  }
  const pods = [...scales.values()].reduce((sum, replicas) => sum + replicas, 0);
  const healthy = maxUnavailable === undefined
    ? scaled(minAvailable, pods, "up")
    : Math.max(0, pods - scaled(maxUnavailable, pods, "up"));
  return { pods, healthy, unmanaged };
}

interface Disrupted {
  /** Evicted pods that are not seen to go yet, by name, and since when. */
  pods: Record<string, string>;
  /** Those that should have gone. */
  late: readonly Pod[];
  next?: Instant;
}

function disruptedOf({ budget, pods }: DisruptionView, now: Instant): Disrupted {
  const waiting: Record<string, string> = {};
  const late: Pod[] = [];
  const times: Instant[] = [];
  for (const pod of pods) {
    const { name, deletionTimestamp } = pod.metadata;
    const since = budget.status.disruptedPods?.[name];
    if (deletionTimestamp !== undefined || since === undefined) continue;
    const until = Date.parse(since) + disruptionTimeoutMs;
    if (until < now) {
      late.push(pod);
    } else {
      waiting[name] = since;
      times.push(until);
    }
  }
  return { pods: waiting, late, next: times.length === 0 ? undefined : Math.min(...times) + 1 };
}

function lateReport({ metadata: { namespace, name } }: PodDisruptionBudget, pod: Pod): DisruptionAction {
  const message = `Pod was expected by PDB ${namespace}/${name} to be deleted but it wasn't`;
  return { do: "report", pod, type: "Warning", reason: "NotDeleted", message, why: message };
}

function statusOf(
  { budget, pods }: DisruptionView,
  expected: Expected,
  disrupted: Record<string, string>,
  now: Instant,
): PodDisruptionBudgetStatus {
  const healthy =
    pods.filter((pod) =>
      pod.metadata.deletionTimestamp === undefined && disrupted[pod.metadata.name] === undefined && isReady(pod)
    ).length;
  // A budget without pods allows nothing: its first ones may be there before they are counted.
  const allowed = expected.pods <= 0 ? 0 : Math.max(0, healthy - expected.healthy);
  const condition = allowed > 0
    ? { status: "True", reason: "SufficientPods", message: "" } as const
    : { status: "False", reason: "InsufficientPods", message: "" } as const;
  return {
    currentHealthy: healthy,
    desiredHealthy: expected.healthy,
    disruptedPods: Object.keys(disrupted).length === 0 ? undefined : disrupted,
    disruptionsAllowed: allowed,
    expectedPods: expected.pods,
    observedGeneration: budget.metadata.generation,
    conditions: withAllowed(budget, condition, now),
  };
}

/** Where it is not known what may go, nothing may. */
function refuse(budget: PodDisruptionBudget, why: string, now: Instant): Planned {
  const message = `Failed to calculate the number of expected pods: ${why}`;
  const conditions = withAllowed(budget, { status: "False", reason: "SyncFailed", message: why }, now);
  const status = { ...budget.status, disruptionsAllowed: 0, conditions };
  const told = report("Warning", "CalculateExpectedPodCountFailed", message);
  return same(status, budget.status) ? [told] : [told, { do: "updateStatus", status, why: message }];
}

function withAllowed(
  { metadata, status }: PodDisruptionBudget,
  next: Pick<Condition, "status" | "reason" | "message">,
  now: Instant,
): Condition[] {
  const type = "DisruptionAllowed";
  const conditions = status.conditions ?? [];
  const before = conditions.find((condition) => condition.type === type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : rfc3339(now);
  const condition = { ...next, type, lastTransitionTime, observedGeneration: metadata.generation };
  if (before === undefined) return [...conditions, condition];
  return conditions.map((other) => other === before ? condition : other);
}
