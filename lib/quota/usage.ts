/**
 * What an object uses of a quota (pkg/quota/v1/evaluator/core), and which objects a quota is about. Admission and the controller count
 * by the same rules. Pure.
 */
import { formatQuantity, type Quantity } from "../quantity.ts";
import { matchesLabels, selectorFrom } from "../selector/labels.ts";
import type {
  Container,
  PersistentVolumeClaim,
  Pod,
  PodAffinityTerm,
  ResourceQuota,
  ScopedResourceSelectorRequirement,
  Service,
} from "../types/core_v1.ts";
import type { KubeObject } from "../kind.ts";
import { type Amounts, amountsOf, one, quantity } from "./amounts.ts";
import { heldSpec, isBestEffort, podTotal } from "./pod_resources.ts";

export interface Counted {
  readonly group: string;
  readonly plural: string;
}

/** What counts an object of a kind: `count/deployments.apps`, and for some a name of old. */
export function countNames({ group, plural }: Counted): readonly string[] {
  const name = `count/${plural}${group === "" ? "" : `.${group}`}`;
  return group === "" && namedOfOld.has(plural) ? [plural, name] : [name];
}

const namedOfOld = new Set(["configmaps", "resourcequotas", "replicationcontrollers", "secrets"]);
const storageClassSuffix = ".storageclass.storage.k8s.io/";

/** May an update of such an object use more than before? */
export function countsUpdates({ group, plural }: Counted): boolean {
  return group === "" && (plural === "services" || plural === "persistentvolumeclaims");
}

/** Has the object's content to be looked at, or does it count as one? */
export function isWeighed({ group, plural }: Counted): boolean {
  return group === "" && (plural === "pods" || plural === "services" || plural === "persistentvolumeclaims");
}

export function usageOf(kind: Counted, object: KubeObject, now: number): Amounts {
  if (kind.group === "") {
    if (kind.plural === "pods") return podUsage(object as unknown as Pod, now);
    if (kind.plural === "services") return serviceUsage(object as unknown as Service);
    if (kind.plural === "persistentvolumeclaims") return claimUsage(object as unknown as PersistentVolumeClaim);
  }
  return new Map(countNames(kind).map((name) => [name, one]));
}

/** One that is over, or should be, uses nothing but its place in the store. */
function isLive({ metadata, status }: Pod, now: number): boolean {
  if (status?.phase === "Failed" || status?.phase === "Succeeded") return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return deletionTimestamp === undefined || deletionGracePeriodSeconds === undefined ||
    now <= Date.parse(deletionTimestamp) + deletionGracePeriodSeconds * 1000;
}

function podUsage(pod: Pod, now: number): Amounts {
  const usage = new Map([["count/pods", one]]);
  if (!isLive(pod, now)) return usage;
  usage.set("pods", one);
  const { requests, limits } = computeUsage(podTotal(heldSpec(pod), "requests"), podTotal(pod.spec, "limits"));
  return new Map([...usage, ...requests, ...limits]);
}

/** Under the names that quotas know: `cpu` is `requests.cpu`. */
function computeUsage(requests: Amounts, limits: Amounts): Record<"requests" | "limits", Map<string, Quantity>> {
  const found = { requests: new Map<string, Quantity>(), limits: new Map<string, Quantity>() };
  for (const [name, amount] of requests) {
    found.requests.set(`requests.${name}`, amount);
    if (isCompute(name) || name.startsWith("hugepages-")) found.requests.set(name, amount);
  }
  for (const [name, amount] of limits) if (isCompute(name)) found.limits.set(`limits.${name}`, amount);
  return found;
}

const isCompute = (name: string) => name === "cpu" || name === "memory" || name === "ephemeral-storage";

function serviceUsage({ spec }: Service): Amounts {
  const ports = spec.ports ?? [];
  const type = spec.type ?? "ClusterIP";
  const allocates = type === "NodePort" || (type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts !== false);
  // Of a balancer without ports of its own those that it was given by name are ports all the same.
  const nodePorts = allocates
    ? ports.length
    : type === "LoadBalancer"
    ? ports.filter((port) => port.nodePort).length
    : 0;
  return new Map([
    ["services", one],
    ["count/services", one],
    ["services.nodeports", quantity(String(nodePorts))],
    ["services.loadbalancers", quantity(type === "LoadBalancer" ? "1" : "0")],
  ]);
}

function claimUsage({ spec, status, metadata }: PersistentVolumeClaim): Amounts {
  const usage = new Map([["persistentvolumeclaims", one], ["count/persistentvolumeclaims", one]]);
  const className = metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "";
  if (className !== "") usage.set(`${className}${storageClassSuffix}persistentvolumeclaims`, one);
  const asked = amountsOf(spec.resources?.requests).get("storage");
  if (asked === undefined) return usage;
  const allocated = amountsOf(status?.allocatedResources).get("storage");
  const storage = allocated !== undefined && allocated.nano > asked.nano ? allocated : asked;
  usage.set("requests.storage", storage);
  if (className !== "") usage.set(`${className}${storageClassSuffix}requests.storage`, storage);
  return usage;
}

/** The scopes of a quota, in one form. */
function scopesOf({ spec }: ResourceQuota): readonly ScopedResourceSelectorRequirement[] {
  const plain = (spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" }));
  return [...plain, ...spec.scopeSelector?.matchExpressions ?? []] as ScopedResourceSelectorRequirement[];
}

/** Is the quota about such an object? Scopes are about pods and claims only: others have none of them. */
export function isInScope(quota: ResourceQuota, kind: Counted, object: KubeObject): boolean {
  return scopesOf(quota).every((scope) => {
    if (kind.group !== "") return false;
    if (kind.plural === "pods") return podInScope(scope, (object as unknown as Pod).spec);
    if (kind.plural !== "persistentvolumeclaims" || scope.scopeName !== "VolumeAttributesClass") return false;
    const { spec, status } = object as unknown as PersistentVolumeClaim;
    const names = [
      spec.volumeAttributesClassName,
      status?.currentVolumeAttributesClassName,
      status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
    ].filter((name) => name !== undefined && name !== "");
    return names.length === 0 ? selects(scope, undefined) : names.some((name) => selects(scope, name));
  });
}

function podInScope(scope: ScopedResourceSelectorRequirement, spec: Pod["spec"]): boolean {
  const ends = spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0;
  switch (scope.scopeName) {
    case "Terminating":
      return ends;
    case "NotTerminating":
      return !ends;
    case "BestEffort":
      return isBestEffort(spec);
    case "NotBestEffort":
      return !isBestEffort(spec);
    case "PriorityClass":
      return selects(scope, spec.priorityClassName || undefined);
    case "CrossNamespacePodAffinity":
      return looksAbroad(spec);
    default:
      return false;
  }
}

function selects(
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
  value: string | undefined,
) {
  const selector = selectorFrom({ matchExpressions: [{ key: scopeName, operator, values }] } as never);
  return matchesLabels(selector, value === undefined ? {} : { [scopeName]: value });
}

function looksAbroad({ affinity }: Pod["spec"]): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((one): PodAffinityTerm[] => [
    ...one?.requiredDuringSchedulingIgnoredDuringExecution ?? [],
    ...(one?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some((term) => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined);
}

const demanded = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/** Why the pod can't be counted: each container has to say what it asks for of what is limited. `undefined`: it can. */
export function unspecified(pod: Pod, hard: readonly string[]): string | undefined {
  const wanted = hard.filter((name) => demanded.has(name));
  const whole = names(computeUsage(amountsOf(pod.spec.resources?.requests), amountsOf(pod.spec.resources?.limits)));
  const missing = new Map<string, Set<string>>();
  for (const container of [...pod.spec.containers ?? [], ...pod.spec.initContainers ?? []] as Container[]) {
    const { requests, limits } = container.resources ?? {};
    const own = names(computeUsage(amountsOf(requests), amountsOf(limits)));
    for (const name of wanted) {
      if (own.has(name) || whole.has(name)) continue;
      missing.set(name, (missing.get(name) ?? new Set()).add(container.name));
    }
  }
  if (missing.size === 0) return undefined;
  const texts = [...missing].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, containers]) => `${name} for: ${[...containers].sort().join(",")}`);
  return `must specify ${texts.join("; ")}`;
}

const names = ({ requests, limits }: Record<"requests" | "limits", Amounts>) =>
  new Set([...requests.keys(), ...limits.keys()]);

/** `cpu=1,memory=2Gi` */
export function listed(amounts: Amounts): string {
  return [...amounts].sort(([a], [b]) => a < b ? -1 : 1).map(([name, amount]) => `${name}=${formatQuantity(amount)}`)
    .join(",");
}
