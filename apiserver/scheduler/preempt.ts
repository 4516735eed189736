/**
 * Makes room for a pod by choosing pods of lower priority to remove (pkg/scheduler/framework/preemption). Pure: the snapshot is changed
 * while Nodes are tried, and is as before afterwards.
 */
import { preemptionCandidatesMin, preemptionCandidatesShare } from "../../lib/limits.ts";
import { matchesLabels, selectorFrom } from "../../lib/selector/labels.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { PodDisruptionBudget } from "../../lib/types/policy_v1.ts";
import type { Catalogue } from "./catalogue.ts";
import { histogram } from "./message.ts";
import type { NodeInfo } from "./node_info.ts";
import type { PodInfo } from "./pod_info.ts";
import { refusalOn, type Unplaced } from "./schedule.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Preemption {
  node: NodeInfo;
  victims: readonly PodInfo[];
}

export interface NoPreemption {
  /** What comes after `preemption: ` in the Event. */
  message: string;
}

export interface PreemptOptions {
  budgets: readonly PodDisruptionBudget[];
  /** In [0, 1): where to start looking. */
  chance: number;
}

interface Candidate {
  node: NodeInfo;
  victims: PodInfo[];
  /** Budgets that would be violated. */
  violations: number;
}

const unhelpful = "Preemption is not helpful for scheduling";
const noVictims = "No preemption victims found for incoming pod";

export function findPreemption(
  pod: PodInfo,
  unplaced: Unplaced,
  snapshot: Snapshot,
  catalogue: Catalogue,
  { budgets, chance }: PreemptOptions,
): Preemption | NoPreemption {
  const refused = ineligible(pod, unplaced, snapshot);
  if (refused !== undefined) return { message: refused };
  const possible = [...unplaced.refusals].filter(([, { unresolvable }]) => !unresolvable).map(([node]) => node);
  const reasons = new Map<string, number>();
  const count = (reason: string, times = 1) => times > 0 && reasons.set(reason, (reasons.get(reason) ?? 0) + times);
  count(unhelpful, snapshot.nodes.length - possible.length);
  const wanted = Math.max(preemptionCandidatesMin, Math.floor(possible.length * preemptionCandidatesShare));
  const start = Math.floor(chance * possible.length);
  const candidates: Candidate[] = [];
  for (let i = 0; i < possible.length && candidates.length < wanted; i++) {
    const node = possible[(start + i) % possible.length]!;
    const found = victimsOn(node, pod, snapshot, catalogue, budgets);
    if ("victims" in found) candidates.push(found);
    else for (const reason of found) count(reason);
  }
  if (candidates.length === 0) {
    return { message: `0/${snapshot.nodes.length} nodes are available:${histogram(reasons)}` };
  }
  return candidates.reduce((best, other) => isBetter(other, best) ? other : best);
}

function ineligible(pod: PodInfo, unplaced: Unplaced, snapshot: Snapshot): string | undefined {
  if (pod.pod.spec.preemptionPolicy === "Never") return "not eligible due to preemptionPolicy=Never.";
  const nominated = snapshot.nominatedNode(pod.uid);
  if (nominated === undefined || unplaced.refusals.get(nominated)?.unresolvable) return undefined;
  // Room is being made for it already.
  const ending = [...nominated.pods.values()].some((other) => other.terminating && other.priority < pod.priority);
  return ending ? "not eligible due to a terminating pod on the nominated node." : undefined;
}

/** The pods to remove from a Node, as few and unimportant as possible; or why none would help. */
function victimsOn(
  node: NodeInfo,
  pod: PodInfo,
  snapshot: Snapshot,
  catalogue: Catalogue,
  budgets: readonly PodDisruptionBudget[],
): Candidate | readonly string[] {
  const lower = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (lower.length === 0) return [noVictims];
  for (const other of lower) snapshot.remove(other.uid);
  const removed = new Set(lower);
  const comeBack = (other: PodInfo) => {
    snapshot.add(other, node.name);
    removed.delete(other);
  };
  try {
    const refused = refusalOn(pod, node, snapshot, catalogue);
    if (refused !== undefined) return refused;
    const { violating, others } = splitByBudgets(lower.sort(byImportance), budgets);
    const victims: PodInfo[] = [];
    let violations = 0;
    const spare = (other: PodInfo): boolean => {
      comeBack(other);
      if (refusalOn(pod, node, snapshot, catalogue) === undefined) return true;
      snapshot.remove(other.uid);
      removed.add(other);
      victims.push(other);
      return false;
    };
    for (const other of violating) if (!spare(other)) violations++;
    for (const other of others) spare(other);
    return { node, victims, violations };
  } finally {
    for (const other of [...removed]) comeBack(other);
  }
}

const startOf = (pod: Pod) => Date.parse(pod.status.startTime ?? pod.metadata.creationTimestamp);

/** The most important first: higher priority, then longer running. */
const byImportance = (a: PodInfo, b: PodInfo) => b.priority - a.priority || startOf(a.pod) - startOf(b.pod);

/** Pods whose removal would violate a budget, what earlier ones use up being counted. */
function splitByBudgets(pods: readonly PodInfo[], budgets: readonly PodDisruptionBudget[]) {
  const allowed = budgets.map(({ status }) => status.disruptionsAllowed ?? 0);
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    budgets.forEach((budget, i) => {
      const { selector } = budget.spec;
      const applies = budget.metadata.namespace === pod.namespace && Object.keys(pod.labels).length > 0 &&
        isNotEmpty(selector) && matchesLabels(selectorFrom(selector), pod.labels);
      // A pod whose disruption is being processed already is not counted twice.
      if (!applies || budget.status.disruptedPods?.[pod.pod.metadata.name] !== undefined) return;
      allowed[i]!--;
      if (allowed[i]! < 0) violates = true;
    });
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}

const isNotEmpty = (selector: PodDisruptionBudget["spec"]["selector"]) =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions ?? []).length > 0;

/** pickOneNodeForPreemption's criteria, in its order. */
function isBetter(a: Candidate, b: Candidate): boolean {
  const difference = a.violations - b.violations || highest(a) - highest(b) || prioritySum(a) - prioritySum(b) ||
    a.victims.length - b.victims.length || earliestStart(b) - earliestStart(a);
  return difference < 0;
}

const highest = ({ victims }: Candidate) => victims.reduce((max, { priority }) => Math.max(max, priority), -Infinity);
/** Shifted so that many victims of negative priority don't look cheaper than few. */
const prioritySum = ({ victims }: Candidate) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0);

/** The earliest start of the victims of the highest priority: the later it is, the less work is lost. */
function earliestStart(candidate: Candidate): number {
  const top = highest(candidate);
  return Math.min(...candidate.victims.filter(({ priority }) => priority === top).map(({ pod }) => startOf(pod)));
}
