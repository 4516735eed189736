/** The quality-of-service class of a pod (pkg/apis/core/helper/qos ComputePodQOS). */
import { addQuantities, compareQuantities, parseQuantity, type Quantity } from "../../../../lib/quantity.ts";
import type { PodSpec, ResourceRequirements } from "../../../../lib/types/core_v1.ts";

export type QosClass = "BestEffort" | "Burstable" | "Guaranteed";

type List = Readonly<Record<string, string>> | undefined;
type Sums = Map<string, Quantity>;

/** What counts: hugepages and extended resources don't. */
const computed = ["cpu", "memory"];

/** Resources of the pod as a whole decide where there are some, those of its containers otherwise. */
export function qosClass(spec: PodSpec): QosClass {
  const requests: Sums = new Map();
  const limits: Sums = new Map();
  const complete = parts(spec).every((part) => {
    add(requests, part?.requests);
    return add(limits, part?.limits);
  });
  // every() stops early: what follows the first incomplete part can only tell BestEffort from Burstable.
  if (!complete) return parts(spec).some(asksForAnything) ? "Burstable" : "BestEffort";
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const equal = requests.size === limits.size &&
    [...requests].every(([name, request]) => limits.has(name) && compareQuantities(limits.get(name)!, request) === 0);
  return equal ? "Guaranteed" : "Burstable";
}

function parts(spec: PodSpec): (ResourceRequirements | undefined)[] {
  if (isSet(spec.resources)) return [spec.resources];
  // Ephemeral containers can't have resources.
  return [...spec.containers ?? [], ...spec.initContainers ?? []].map((container) => container.resources);
}

/** Whether a pod says what it needs as a whole (component-helpers IsPodLevelResourcesSet). */
function isSet(resources: ResourceRequirements | undefined): boolean {
  const counts = (list: List) =>
    Object.keys(list ?? {}).some((name) => computed.includes(name) || name.startsWith("hugepages-"));
  return resources !== undefined && (counts(resources.requests) || counts(resources.limits));
}

function asksForAnything(part: ResourceRequirements | undefined): boolean {
  return [part?.requests, part?.limits].some((list) => computed.some((name) => isPositive(list?.[name])));
}

function isPositive(quantity: string | undefined): quantity is string {
  return quantity !== undefined && compareQuantities(quantity, "0") > 0;
}

/** Answers whether all computed resources are there. */
function add(sums: Sums, list: List): boolean {
  let found = 0;
  for (const name of computed) {
    const quantity = list?.[name];
    if (!isPositive(quantity)) continue;
    found++;
    const sum = sums.get(name);
    sums.set(name, sum === undefined ? parseQuantity(quantity) : addQuantities(sum, quantity));
  }
  return found === computed.length;
}
