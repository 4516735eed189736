/** What filters and scores are: functions that look at a pod once and answer a function that looks at one Node. */
import type { NodeInfo } from "./node_info.ts";
import type { PodInfo } from "./pod_info.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Catalogue } from "./catalogue.ts";

/** Why a Node can't take a pod. */
export interface Refusal {
  /** In Kubernetes' words; several when several resources lack. */
  readonly reasons: readonly string[];
  /** Removing other pods from the Node can't help. */
  readonly unresolvable: boolean;
}

/** The pod fits no Node, whatever the Nodes are like. */
export interface Hopeless {
  readonly hopeless: string;
}

export type Check = (node: NodeInfo) => Refusal | undefined;

export interface Filter {
  readonly name: string;
  /** `undefined`: the pod asks for nothing that this filter looks at. */
  prepare(pod: PodInfo, snapshot: Snapshot, catalogue: Catalogue): Check | Hopeless | undefined;
}

export interface Score {
  readonly name: string;
  readonly weight: number;
  /**
   * Points for each of the feasible Nodes, from 0 to 100; `undefined`: all are equal for this pod.
   */
  score(pod: PodInfo, nodes: readonly NodeInfo[], snapshot: Snapshot, catalogue: Catalogue): Float64Array | undefined;
}

export const refusal = (reason: string, { unresolvable = false } = {}): Refusal => ({
  reasons: [reason],
  unresolvable,
});

export function isHopeless(prepared: Check | Hopeless | undefined): prepared is Hopeless {
  return typeof prepared === "object";
}

/** Scales points so that the largest becomes 100; `reverse`: so that it becomes 0. */
export function normalize(points: Float64Array, { reverse = false } = {}): Float64Array {
  let max = 0;
  for (const value of points) if (value > max) max = value;
  for (let i = 0; i < points.length; i++) {
    const scaled = max === 0 ? 0 : Math.trunc(100 * points[i]! / max);
    points[i] = reverse ? 100 - scaled : scaled;
  }
  return points;
}
