/** The filters, in the order in which a Node is asked; the first that refuses says why. */
import type { Filter } from "../plugin.ts";
import { interPodAffinity } from "./inter_pod_affinity.ts";
import { nodeAffinity } from "./node_affinity.ts";
import { nodeName } from "./node_name.ts";
import { nodePorts } from "./node_ports.ts";
import { nodeUnschedulable } from "./node_unschedulable.ts";
import { podTopologySpread } from "./pod_topology_spread.ts";
import { resourcesFit } from "./resources_fit.ts";
import { taintToleration } from "./taint_toleration.ts";
import { unsupported } from "./unsupported.ts";
import { volumeRestrictions } from "./volume_restrictions.ts";

export const filters: readonly Filter[] = [
  unsupported,
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  resourcesFit,
  volumeRestrictions,
  podTopologySpread,
  interPodAffinity,
];
