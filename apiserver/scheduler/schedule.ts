/**
 * Places one pod: filters, then scores, on as many Nodes as are needed for a good choice (pkg/scheduler/schedule_one.go). Pure: the same
 * snapshot, pod, start and chance give the same answer.
 */
import { feasibleNodesMin } from "../../lib/limits.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { Catalogue } from "./catalogue.ts";
import { filters } from "./filters/mod.ts";
import type { NodeInfo } from "./node_info.ts";
import { type Check, isHopeless, type Refusal } from "./plugin.ts";
import type { PodInfo } from "./pod_info.ts";
import { scores } from "./scores/mod.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Placed {
  node: NodeInfo;
  /** Nodes that were looked at: the next pod starts after them. */
  evaluated: number;
}

/** Why no Node takes the pod. */
export interface Unplaced {
  /** What each refusing Node said. Nodes that were not asked are not in it. */
  refusals: ReadonlyMap<NodeInfo, Refusal>;
  /** Names of the filters that refused: only changes that concern them can help. */
  plugins: ReadonlySet<string>;
  nodes: number;
  /** The pod itself can't be placed: in these words. */
  hopeless?: string;
  /** Filters that left out Nodes before any was asked. */
  excludedBy?: readonly string[];
}

export type Placement = Placed | Unplaced;

export const isPlaced = (placement: Placement): placement is Placed => "node" in placement;

/** How many feasible Nodes to look for: 50 % of 1,000 or so, down to 5 % of very many (numFeasibleNodesToFind). */
export function feasibleWanted(nodes: number): number {
  if (nodes < feasibleNodesMin) return nodes;
  const percent = Math.max(5, 50 - Math.floor(nodes / 125));
  return Math.max(feasibleNodesMin, Math.floor(nodes * percent / 100));
}

export interface ScheduleOptions {
  /** Index of the Node to look at first. */
  start: number;
  random: Pick<Random, "number">;
}

interface Prepared {
  name: string;
  check: Check;
}

export function schedule(
  pod: PodInfo,
  snapshot: Snapshot,
  catalogue: Catalogue,
  { start, random }: ScheduleOptions,
): Placement {
  const prepared = prepare(pod, snapshot, catalogue);
  if ("hopeless" in prepared) return { ...prepared, refusals: new Map(), nodes: snapshot.nodes.length };
  const found = findFeasible(pod, snapshot, catalogue, prepared, start);
  if (found.feasible.length === 0) {
    const excludedBy = pod.namedNodes === undefined ? undefined : ["NodeAffinity"];
    if (excludedBy !== undefined) found.plugins.add("NodeAffinity");
    return { refusals: found.refusals, plugins: found.plugins, nodes: snapshot.nodes.length, excludedBy };
  }
  const node = found.feasible.length === 1
    ? found.feasible[0]!
    : best(pod, found.feasible, snapshot, catalogue, random);
  return { node, evaluated: found.evaluated };
}

function prepare(pod: PodInfo, snapshot: Snapshot, catalogue: Catalogue) {
  const prepared: Prepared[] = [];
  for (const filter of filters) {
    const check = filter.prepare(pod, snapshot, catalogue);
    if (isHopeless(check)) return { hopeless: check.hopeless, plugins: new Set([filter.name]) };
    if (check !== undefined) prepared.push({ name: filter.name, check });
  }
  return prepared;
}

interface Found {
  feasible: NodeInfo[];
  refusals: Map<NodeInfo, Refusal>;
  plugins: Set<string>;
  evaluated: number;
}

function findFeasible(
  pod: PodInfo,
  snapshot: Snapshot,
  catalogue: Catalogue,
  prepared: readonly Prepared[],
  start: number,
): Found {
  const found: Found = { feasible: [], refusals: new Map(), plugins: new Set(), evaluated: 0 };
  const nominated = snapshot.nominatedNode(pod.uid);
  // Room was made for it there.
  if (nominated !== undefined && ask(nominated, pod, snapshot, catalogue, prepared, found)) return found;
  const { nodes } = snapshot;
  if (pod.namedNodes !== undefined) {
    for (const name of pod.namedNodes) {
      const node = snapshot.get(name);
      if (node !== undefined) ask(node, pod, snapshot, catalogue, prepared, found);
    }
    return found;
  }
  const wanted = feasibleWanted(nodes.length);
  for (let i = 0; i < nodes.length && found.feasible.length < wanted; i++) {
    found.evaluated++;
    ask(nodes[(start + i) % nodes.length]!, pod, snapshot, catalogue, prepared, found);
  }
  return found;
}

function ask(
  node: NodeInfo,
  pod: PodInfo,
  snapshot: Snapshot,
  catalogue: Catalogue,
  prepared: readonly Prepared[],
  found: Found,
): boolean {
  let refused = firstRefusal(node, prepared);
  if (refused === undefined && node.nominated.size > 0) refused = withNominated(node, pod, snapshot, catalogue);
  if (refused === undefined) {
    found.feasible.push(node);
    return true;
  }
  found.refusals.set(node, refused.refusal);
  found.plugins.add(refused.name);
  return false;
}

function firstRefusal(node: NodeInfo, prepared: readonly Prepared[]): { name: string; refusal: Refusal } | undefined {
  for (let i = 0; i < prepared.length; i++) {
    const refusal = prepared[i]!.check(node);
    if (refusal !== undefined) return { name: prepared[i]!.name, refusal };
  }
  return undefined;
}

/** Pods that have been promised room on the Node, and that go before this one, count as if they were there. */
function withNominated(node: NodeInfo, pod: PodInfo, snapshot: Snapshot, catalogue: Catalogue) {
  const promised = [...node.nominated.values()].filter((other) =>
    other.uid !== pod.uid && other.priority >= pod.priority
  );
  if (promised.length === 0) return undefined;
  for (const other of promised) snapshot.add(other, node.name);
  try {
    const prepared = prepare(pod, snapshot, catalogue);
    return "hopeless" in prepared ? undefined : firstRefusal(node, prepared);
  } finally {
    for (const other of promised) snapshot.remove(other.uid);
  }
}

/** Why one Node does not take the pod as things are; `undefined`: it does. What preemption asks. */
export function refusalOn(
  pod: PodInfo,
  node: NodeInfo,
  snapshot: Snapshot,
  catalogue: Catalogue,
): readonly string[] | undefined {
  const prepared = prepare(pod, snapshot, catalogue);
  if ("hopeless" in prepared) return [prepared.hopeless];
  const refused = firstRefusal(node, prepared) ??
    (node.nominated.size === 0 ? undefined : withNominated(node, pod, snapshot, catalogue));
  return refused?.refusal.reasons;
}

/** The Node with the most points; among equals by chance. */
function best(
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  snapshot: Snapshot,
  catalogue: Catalogue,
  random: Pick<Random, "number">,
): NodeInfo {
  const totals = new Float64Array(nodes.length);
  for (const { score, weight } of scores) {
    const points = score(pod, nodes, snapshot, catalogue);
    if (points === undefined) continue;
    for (let i = 0; i < totals.length; i++) totals[i]! += weight * points[i]!;
  }
  let chosen = 0;
  let equals = 1;
  for (let i = 1; i < totals.length; i++) {
    if (totals[i]! > totals[chosen]!) {
      chosen = i;
      equals = 1;
    } else if (totals[i] === totals[chosen] && random.number() * ++equals < 1) chosen = i;
  }
  return nodes[chosen]!;
}
