/** What a pod may ask about itself: fieldRef and resourceFieldRef of environment variables and downwardAPI volumes. Pure. */
import { parseQuantity } from "../../lib/quantity.ts";
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from "../../lib/types/core_v1.ts";

/** What is known of the node and the pod's addresses when it is asked. */
export interface Surroundings {
  readonly hostIPs: readonly string[];
  readonly podIPs: readonly string[];
  /** The node's, by resource name: what a missing limit means. */
  readonly allocatable: Readonly<Record<string, string>>;
}

export class DownwardError extends Error {
  override name = "DownwardError";
}

const subscript = /^(metadata\.(?:annotations|labels))\['(.*)'\]$/;

/** True when the value is known only once the pod has its address. */
export function needsPodIP({ fieldPath }: ObjectFieldSelector): boolean {
  return fieldPath === "status.podIP" || fieldPath === "status.podIPs";
}

/** Throws DownwardError for a field that is not offered. */
export function fieldValue(pod: Pod, { fieldPath }: ObjectFieldSelector, around: Surroundings): string {
  const { metadata, spec } = pod;
  const keyed = subscript.exec(fieldPath);
  if (keyed !== null) {
    const map = keyed[1] === "metadata.labels" ? metadata.labels : metadata.annotations;
    return Object.hasOwn(map ?? {}, keyed[2]!) ? map![keyed[2]!]! : "";
  }
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name;
    case "metadata.namespace":
      return metadata.namespace;
    case "metadata.uid":
      return metadata.uid;
    case "metadata.labels":
      return formatMap(metadata.labels);
    case "metadata.annotations":
      return formatMap(metadata.annotations);
    case "spec.nodeName":
      return spec.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "";
    case "status.hostIP":
      return around.hostIPs[0] ?? "";
    case "status.hostIPs":
      return around.hostIPs.join(",");
    case "status.podIP":
      return around.podIPs[0] ?? "";
    case "status.podIPs":
      return around.podIPs.join(",");
    default:
      throw new DownwardError(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** `key="value"` lines in the order of their keys (k8s.io/kubernetes/pkg/fieldpath: FormatMap). */
function formatMap(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {}).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`).join("\n");
}

const requestable = /^(limits|requests)\.(cpu|memory|ephemeral-storage|hugepages-.+)$/;

/** The value divided by the divisor, rounded up. Throws DownwardError for a resource that is not offered. */
export function resourceValue(
  container: Container,
  { resource, divisor }: ResourceFieldSelector,
  around: Surroundings,
): string {
  const match = requestable.exec(resource);
  if (match === null) throw new DownwardError(`unsupported container resource : ${resource}`);
  const [, list, name] = match as unknown as [string, "limits" | "requests", string];
  const own = container.resources?.[list]?.[name];
  // A container without a limit may use what the node has (kubelet: MergeContainerResourceLimits). Requests have no such default.
  const text = own ?? (list === "limits" ? around.allocatable[name] : undefined) ?? "0";
  const unit = parseQuantity(divisor === undefined || divisor === "" || divisor === "0" ? "1" : divisor).nano;
  const value = parseQuantity(text).nano;
  return String((value + unit - 1n) / unit);
}
