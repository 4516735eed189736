/** On which Nodes a DaemonSet's pods run (daemon_controller.go NodeShouldRunDaemonPod, daemon/util/daemonset_util.go). Pure. */
import { requiredNode } from "../../../lib/selector/node_selector.ts";
import { untolerated } from "../../../lib/tolerations.ts";
import type { DaemonSet } from "../../../lib/types/apps_v1.ts";
import type { Affinity, Node, Pod, PodSpec, Toleration } from "../../../lib/types/core_v1.ts";

const condition = (name: string, effect: "NoSchedule" | "NoExecute"): Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: "Exists",
  effect,
});

/** A daemon stays on a Node in trouble: it may be what mends it. */
const always: readonly Toleration[] = [
  condition("not-ready", "NoExecute"),
  condition("unreachable", "NoExecute"),
  condition("disk-pressure", "NoSchedule"),
  condition("memory-pressure", "NoSchedule"),
  condition("pid-pressure", "NoSchedule"),
  condition("unschedulable", "NoSchedule"),
];
/** It may be what brings the network. */
const onHostNetwork = condition("network-unavailable", "NoSchedule");

/** The tolerations of a pod of the set. One that the template has for the same taint is replaced: it may end after a time. */
export function daemonTolerations(spec: PodSpec): Toleration[] {
  const result = [...spec.tolerations ?? []];
  for (const toleration of spec.hostNetwork ? [...always, onHostNetwork] : always) {
    const at = result.findIndex((other) => sameTaints(other, toleration));
    if (at < 0) result.push(toleration);
    else result[at] = toleration;
  }
  return result;
}

const sameTaints = (a: Toleration, b: Toleration) =>
  a.key === b.key && a.effect === b.effect && (a.operator ?? "") === (b.operator ?? "") &&
  (a.value ?? "") === (b.value ?? "");

export interface Fit {
  /** A pod is wanted there. */
  run: boolean;
  /** One that is there may stay: only a NoExecute taint drives it away. */
  stay: boolean;
}

/** Judges Nodes for one set; what its template says is worked out once. */
export function fitOf({ spec: { template } }: DaemonSet): (node: Node) => Fit {
  const { nodeName } = template.spec;
  const tolerations = daemonTolerations(template.spec);
  const matches = requiredNode({ spec: template.spec } as Pod);
  return ({ metadata, spec }) => {
    const { name, labels = {} } = metadata;
    if (nodeName && nodeName !== name) return { run: false, stay: false };
    if (matches !== undefined && !matches({ name, labels })) return { run: false, stay: false };
    const taints = spec.taints ?? [];
    const strict = taints.filter(({ effect }) => effect === "NoExecute");
    const all = taints.filter(({ effect }) => effect === "NoExecute" || effect === "NoSchedule");
    if (untolerated(all, tolerations) === undefined) return { run: true, stay: true };
    return { run: false, stay: untolerated(strict, tolerations) === undefined };
  };
}

/** Pins a pod to the Node, by its name: the scheduler still has the last word on whether it fits there. */
export function pinned(affinity: Affinity | undefined, node: string): Affinity {
  const term = { matchFields: [{ key: "metadata.name", operator: "In", values: [node] }] };
  const required = { ...affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution };
  return {
    ...affinity,
    nodeAffinity: {
      ...affinity?.nodeAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: { ...required, nodeSelectorTerms: [term] },
    },
  } as Affinity;
}

/** The Node that a pod is on, or is pinned to. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  for (const { matchFields = [] } of terms) {
    for (const { key, operator, values = [] } of matchFields) {
      if (key === "metadata.name" && operator === "In") return values.length === 1 ? values[0] : undefined;
    }
  }
  return undefined;
}
