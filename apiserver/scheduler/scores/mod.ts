/** The scores and their weights, as kube-scheduler has them by default. */
import type { Score } from "../plugin.ts";
import { balancedAllocation } from "./balanced_allocation.ts";
import { imageLocality } from "./image_locality.ts";
import { interPodAffinityScore } from "./inter_pod_affinity.ts";
import { leastAllocated } from "./least_allocated.ts";
import { nodeAffinityScore } from "./node_affinity.ts";
import { podTopologySpreadScore } from "./pod_topology_spread.ts";
import { taintTolerationScore } from "./taint_toleration.ts";

export const scores: readonly Score[] = [
  taintTolerationScore,
  nodeAffinityScore,
  leastAllocated,
  podTopologySpreadScore,
  interPodAffinityScore,
  balancedAllocation,
  imageLocality,
];
