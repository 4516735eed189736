/**
 * PodTopologySpread: prefers domains with fewer pods of the same sort: the pod's ScheduleAnyway constraints, or, when it has no
 * constraints at all, spreading the pods of its Services and controller over hosts and zones.
 */
import { type Catalogue, siblingsOf } from "../catalogue.ts";
import type { NodeInfo } from "../node_info.ts";
import type { Score } from "../plugin.ts";
import type { PodInfo } from "../pod_info.ts";
import type { Snapshot } from "../snapshot.ts";
import { type Constraint, constraintsOf, counts, spreadTally } from "../spread.ts";

const hostname = "kubernetes.io/hostname";
const zone = "topology.kubernetes.io/zone";

export const podTopologySpreadScore: Score = {
  name: "PodTopologySpread",
  weight: 2,
  score(pod, nodes, snapshot, catalogue) {
    const explicit = (pod.pod.spec.topologySpreadConstraints ?? []).length > 0;
    const constraints = explicit ? constraintsOf(pod, "ScheduleAnyway") : defaults(pod, catalogue);
    if (constraints.length === 0) return undefined;
    // Nodes without the keys of explicit constraints get nothing; the defaults are content with the keys that a Node has.
    const ignored = (node: NodeInfo) =>
      explicit && constraints.some(({ topologyKey }) => node.labels[topologyKey] === undefined);
    const points = new Float64Array(nodes.length);
    for (const constraint of constraints) {
      addPoints(points, constraint, constraints, pod, nodes, snapshot, { explicit, ignored });
    }
    return invert(points, nodes, ignored);
  },
};

function defaults(pod: PodInfo, catalogue: Catalogue): Constraint[] {
  const selector = siblingsOf(pod, catalogue);
  if (selector === undefined) return [];
  const base = { minDomains: 1, selector, matchesSelf: true, honorsAffinity: true, honorsTaints: false };
  return [{ ...base, topologyKey: hostname, maxSkew: 3 }, { ...base, topologyKey: zone, maxSkew: 5 }];
}

interface Scope {
  explicit: boolean;
  ignored(node: NodeInfo): boolean;
}

function addPoints(
  points: Float64Array,
  constraint: Constraint,
  all: readonly Constraint[],
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
  { explicit, ignored }: Scope,
): void {
  const { topologyKey, selector, maxSkew } = constraint;
  const tally = spreadTally(pod.namespace, selector, snapshot);
  const perHost = topologyKey === hostname;
  let size = 0;
  let domains: ReadonlyMap<string, number> = new Map();
  if (perHost) size = nodes.length;
  else {
    const present = new Set<string>();
    for (const node of nodes) {
      const value = node.labels[topologyKey];
      if (value !== undefined && !ignored(node)) present.add(value);
    }
    size = present.size;
    if (size === 0) return;
    domains = pod.requiredNode === undefined && !constraint.honorsTaints && !explicit
      ? tally.inDomains(topologyKey)
      : countingDomains(constraint, explicit ? all : [constraint], pod, snapshot);
  }
  // More domains mean fewer pods in each: the weight makes up for it.
  const weight = Math.log(size + 2);
  for (let i = 0; i < nodes.length; i++) {
    const value = nodes[i]!.labels[topologyKey];
    if (value === undefined) continue;
    const count = perHost ? tally.onNode(nodes[i]!) : domains.get(value) ?? 0;
    points[i]! += count * weight + (maxSkew - 1);
  }
}

function countingDomains(
  constraint: Constraint,
  all: readonly Constraint[],
  pod: PodInfo,
  snapshot: Snapshot,
): Map<string, number> {
  const tally = spreadTally(pod.namespace, constraint.selector, snapshot);
  const domains = new Map<string, number>();
  for (const [node, count] of tally.byNode) {
    if (!counts(constraint, all, pod, node)) continue;
    const value = node.labels[constraint.topologyKey]!;
    domains.set(value, (domains.get(value) ?? 0) + count);
  }
  return domains;
}

/** Fewer pods are better: 100 for the best, less in proportion. */
function invert(points: Float64Array, nodes: readonly NodeInfo[], ignored: (node: NodeInfo) => boolean): Float64Array {
  let min = Infinity;
  let max = 0;
  const skip = nodes.map(ignored);
  for (let i = 0; i < points.length; i++) {
    points[i] = Math.round(points[i]!);
    if (skip[i]) continue;
    min = Math.min(min, points[i]!);
    max = Math.max(max, points[i]!);
  }
  for (let i = 0; i < points.length; i++) {
    if (skip[i]) points[i] = 0;
    else points[i] = max === 0 ? 100 : Math.trunc(100 * (max + min - points[i]!) / max);
  }
  return points;
}
