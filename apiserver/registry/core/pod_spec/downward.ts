/** Fields of the pod and resources of its containers, given to containers through the environment and volumes. */
import { compareQuantities, formatQuantity, parseQuantity } from "../../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { ObjectFieldSelector, ResourceFieldSelector } from "../../../../lib/types/core_v1.ts";
import { checkPresent, checkQualifiedName } from "./checks.ts";

/** Sorted, as Kubernetes shows them. */
export const envFields: readonly string[] = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];

export const volumeFields: readonly string[] = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
];

/** What the API calls a field label of pods, whether or not it can be used here. */
const knownFields = new Set([
  ...envFields,
  ...volumeFields,
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.phase",
]);

export function defaultFieldRef(ref: ObjectFieldSelector | undefined): void {
  if (ref !== undefined) ref.apiVersion ||= "v1";
}

export function defaultResourceFieldRef(ref: ResourceFieldSelector | undefined): void {
  if (ref !== undefined) ref.divisor ??= "0";
}

export function validateFieldRef(ref: ObjectFieldSelector, allowed: readonly string[], path: string): FieldError[] {
  const apiVersion = ref.apiVersion ?? "";
  if (apiVersion === "") return [fieldError.required(`${path}.apiVersion`)];
  if (!ref.fieldPath) return [fieldError.required(`${path}.fieldPath`)];
  const [field, subscript] = splitSubscript(ref.fieldPath);
  const unknown = (why: string) => [
    fieldError.invalid(`${path}.fieldPath`, ref.fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== "v1") return unknown(`unsupported pod version: ${apiVersion}`);
  if (subscript !== undefined) {
    if (field === "metadata.annotations") return checkQualifiedName(subscript.toLowerCase(), path);
    if (field === "metadata.labels") return checkQualifiedName(subscript, path);
    return unknown(`field label does not support subscript: ${ref.fieldPath}`);
  }
  // An old name that old clients may still send.
  const label = field === "spec.host" ? "spec.nodeName" : field;
  if (!knownFields.has(label)) return unknown(`field label not supported: ${label}`);
  return allowed.includes(label) ? [] : [fieldError.notSupported(`${path}.fieldPath`, label, allowed)];
}

/** `metadata.labels['app']` is `metadata.labels` and `app` (fieldpath.SplitMaybeSubscriptedPath). */
function splitSubscript(path: string): [string, string | undefined] {
  const at = path.indexOf("['");
  if (at <= 0 || !path.endsWith("']") || path.length < at + 4) return [path, undefined];
  return [path.slice(0, at), path.slice(at + 2, -2)];
}

const resources: readonly string[] = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

const isHugePages = (resource: string) => /^(?:limits|requests)\.hugepages-/.test(resource);

/** `in` a volume the container must be named; in the environment it is the container's own. */
export function validateResourceFieldRef(
  ref: ResourceFieldSelector,
  where: "env" | "volume",
  path: string,
): FieldError[] {
  const resource = ref.resource ?? "";
  const errors: FieldError[] = [];
  if (where === "volume" && !ref.containerName) {
    errors.push(...checkPresent(ref.containerName, `${path}.containerName`));
  } else if (resource === "") errors.push(fieldError.required(`${path}.resource`));
  else if (!resources.includes(resource) && !isHugePages(resource)) {
    errors.push(fieldError.notSupported(`${path}.resource`, resource, resources));
  }
  return [...errors, ...validateDivisor(resource, ref.divisor ?? "0", path)];
}

const cpuDivisors = ["1m", "1"];
const byteDivisors = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];

function validateDivisor(resource: string, divisor: string, path: string): FieldError[] {
  if (compareQuantities(divisor, "0") === 0) return [];
  const kind = divisorKind(resource);
  if (kind === undefined) return [];
  const canonical = formatQuantity(parseQuantity(divisor));
  const allowed = kind === "cpu" ? cpuDivisors : byteDivisors;
  if (allowed.includes(canonical)) return [];
  const values = kind === "cpu" ? "1m and 1" : byteDivisors.join(", ");
  return [
    fieldError.invalid(
      `${path}.divisor`,
      resource,
      `only divisor's values ${values} are supported with the ${kind} resource`,
    ),
  ];
}

function divisorKind(resource: string): string | undefined {
  if (isHugePages(resource)) return "hugepages";
  switch (resource.replace(/^(?:limits|requests)\./, "")) {
    case "cpu":
      return "cpu";
    case "memory":
      return "memory";
    case "ephemeral-storage":
      return "local ephemeral storage";
    default:
      return undefined;
  }
}
