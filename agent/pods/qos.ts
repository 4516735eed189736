/** A pod's quality of service class (k8s.io/kubernetes/pkg/apis/core/v1/helper/qos). Pure. */
import { compareQuantities, parseQuantity } from "../../lib/quantity.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import { initContainers } from "./pod_spec.ts";

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

export function qosClass(pod: Pod): QosClass {
  if (pod.status?.qosClass !== undefined) return pod.status.qosClass;
  const containers = pod.spec.resources?.requests !== undefined || pod.spec.resources?.limits !== undefined
    ? [{ resources: pod.spec.resources }]
    : [...initContainers(pod), ...pod.spec.containers];
  const positive = (text: string | undefined) => text !== undefined && parseQuantity(text).nano > 0n;
  let any = false;
  let guaranteed = true;
  for (const { resources } of containers) {
    for (const name of counted) {
      const limit = resources?.limits?.[name];
      const request = resources?.requests?.[name] ?? limit;
      if (positive(limit) || positive(request)) any = true;
      if (!positive(limit) || compareQuantities(request!, limit!) !== 0) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}
