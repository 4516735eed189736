/** Which waiting pods a change could help: only those are tried again (the QueueingHint functions of kube-scheduler's plugins). Pure. */
import { matchesLabels } from "../../lib/selector/labels.ts";
import { untolerated } from "../../lib/tolerations.ts";
import { type NamespaceLabels, termMatches } from "./affinity_term.ts";
import { couldFit } from "./filters/resources_fit.ts";
import type { NodeInfo } from "./node_info.ts";
import type { PodInfo } from "./pod_info.ts";
import { constraintsOf } from "./spread.ts";

/** Filters that a new or changed Node may satisfy. */
export const nodePlugins = [
  "NodeUnschedulable",
  "NodeName",
  "TaintToleration",
  "NodeAffinity",
  "NodePorts",
  "NodeResourcesFit",
  "PodTopologySpread",
  "InterPodAffinity",
  "VolumeRestrictions",
  "",
] as const;
/** Filters that the end of a pod may satisfy. */
export const removedPlugins = [
  "NodePorts",
  "NodeResourcesFit",
  "PodTopologySpread",
  "InterPodAffinity",
  "VolumeRestrictions",
] as const;
/** Filters that a pod's arrival on a Node may satisfy. */
export const addedPlugins = ["PodTopologySpread", "InterPodAffinity"] as const;

/** The Node could take the pod, as far as its own properties say. */
export function nodeHelps(pod: PodInfo, node: NodeInfo, plugins: ReadonlySet<string>): boolean {
  // Another domain may change what is skewed elsewhere.
  if (plugins.has("PodTopologySpread")) return true;
  if (untolerated(node.taints, pod.tolerations) !== undefined) return false;
  return (pod.requiredNode === undefined || pod.requiredNode(node)) && couldFit(pod, node);
}

/** A pod has left the Node: there is room, a port, or nobody to be apart from. */
export function removalHelps(
  pod: PodInfo,
  gone: PodInfo,
  node: NodeInfo | undefined,
  plugins: ReadonlySet<string>,
  namespaces: NamespaceLabels,
): boolean {
  if (plugins.has("NodeResourcesFit") && (node === undefined || couldFit(pod, node))) return true;
  if (
    plugins.has("NodePorts") &&
    gone.ports.some((a) => pod.ports.some((b) => a.port === b.port && a.protocol === b.protocol))
  ) return true;
  if (
    plugins.has("VolumeRestrictions") && gone.namespace === pod.namespace &&
    gone.claims.some((claim) => pod.claims.includes(claim))
  ) return true;
  if (plugins.has("PodTopologySpread") && isSpreadAmong(pod, gone)) return true;
  if (!plugins.has("InterPodAffinity")) return false;
  return pod.terms.antiAffinity.some((term) => termMatches(term, gone, namespaces)) ||
    gone.terms.antiAffinity.some((term) => termMatches(term, pod, namespaces));
}

/** A pod has come: somebody to join, or a domain that is no longer the emptiest. */
export function arrivalHelps(
  pod: PodInfo,
  come: PodInfo,
  plugins: ReadonlySet<string>,
  namespaces: NamespaceLabels,
): boolean {
  if (plugins.has("PodTopologySpread") && isSpreadAmong(pod, come)) return true;
  return plugins.has("InterPodAffinity") && pod.terms.affinity.some((term) => termMatches(term, come, namespaces));
}

function isSpreadAmong(pod: PodInfo, other: PodInfo): boolean {
  return pod.namespace === other.namespace &&
    constraintsOf(pod, "DoNotSchedule").some(({ selector }) => matchesLabels(selector, other.labels));
}
