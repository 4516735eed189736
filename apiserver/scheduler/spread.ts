/** Topology spread constraints, and how many pods of their sort each domain has (pkg/scheduler/framework/plugins/podtopologyspread). */
import { matchesLabels, type Selector, selectorFrom, selectorString } from "../../lib/selector/labels.ts";
import { untolerated } from "../../lib/tolerations.ts";
import type { NodeInfo } from "./node_info.ts";
import type { PodInfo } from "./pod_info.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Tally } from "./tally.ts";

export interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly matchesSelf: boolean;
  /** Nodes that the pod can't go to for their labels or taints don't count. */
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

export function constraintsOf(pod: PodInfo, action: "DoNotSchedule" | "ScheduleAnyway"): Constraint[] {
  return (pod.pod.spec.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === action).map(
    (c): Constraint => {
      const base = selectorFrom(c.labelSelector);
      const keys = (c.matchLabelKeys ?? []).filter((key) => pod.labels[key] !== undefined);
      const selector = keys.length === 0 || base.nothing ? base : {
        requirements: [
          ...base.requirements,
          ...keys.map((key) => ({ key, operator: "in" as const, values: [pod.labels[key]!] })),
        ],
      };
      return {
        topologyKey: c.topologyKey,
        maxSkew: c.maxSkew,
        minDomains: c.minDomains ?? 1,
        selector,
        matchesSelf: matchesLabels(selector, pod.labels),
        honorsAffinity: (c.nodeAffinityPolicy ?? "Honor") === "Honor",
        honorsTaints: c.nodeTaintsPolicy === "Honor",
      };
    },
  );
}

/** Pods of the namespace that the selector matches, without those that are being deleted. */
export function spreadTally(namespace: string, selector: Selector, snapshot: Snapshot): Tally {
  const id = `spread\n${namespace}\n${selector.nothing ? "nothing" : selectorString(selector)}`;
  return snapshot.tally(id, namespace, (pod) => !pod.terminating && matchesLabels(selector, pod.labels));
}

/** Whether the Node counts for the constraint. It must have the keys of all of the pod's constraints. */
export function counts(constraint: Constraint, all: readonly Constraint[], pod: PodInfo, node: NodeInfo): boolean {
  for (const { topologyKey } of all) if (node.labels[topologyKey] === undefined) return false;
  if (constraint.honorsAffinity && pod.requiredNode !== undefined && !pod.requiredNode(node)) return false;
  return !constraint.honorsTaints || untolerated(node.taints, pod.tolerations) === undefined;
}

/** Pods in each domain that has a Node which counts. Costs as much as there are Nodes, however many pods they have. */
export function countsByDomain(
  constraint: Constraint,
  all: readonly Constraint[],
  pod: PodInfo,
  snapshot: Snapshot,
): ReadonlyMap<string, number> {
  const tally = spreadTally(pod.namespace, constraint.selector, snapshot);
  const domains = new Map<string, number>();
  for (const node of snapshot.nodes) {
    if (!counts(constraint, all, pod, node)) continue;
    const value = node.labels[constraint.topologyKey]!;
    domains.set(value, (domains.get(value) ?? 0) + tally.onNode(node));
  }
  return domains;
}
