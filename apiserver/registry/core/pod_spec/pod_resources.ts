/** Requests and limits of a pod as a whole: their defaults from its containers', and that they hold them. */
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
} from "../../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";
import type { ResourceList } from "../../meta/resource_list.ts";
import { isHugePages, isOvercommitAllowed, validateResourceName } from "../../meta/resource_name.ts";
import { validateRequirements } from "./resources.ts";
import { isSidecar } from "./visit.ts";

/** Sorted, as Kubernetes shows them. */
const supported = ["cpu", "hugepages-", "memory"];

const isPodLevelResource = (name: string) => supported.includes(name) || isHugePages(name);

function validatePodResourceName(name: string, path: string): FieldError[] {
  const errors = validateResourceName(name, path);
  return errors.length > 0 || isPodLevelResource(name) ? errors : [fieldError.notSupported(path, name, supported)];
}

type Totals = Map<string, Quantity>;

function add(totals: Totals, list: ResourceList | ReadonlyMap<string, Quantity> | undefined): void {
  const entries = list instanceof Map ? list.entries() : Object.entries((list ?? {}) as ResourceList);
  for (const [name, given] of entries) {
    const quantity = typeof given === "string" ? parseQuantity(given) : given;
    const sum = totals.get(name);
    totals.set(name, sum === undefined ? quantity : addQuantities(sum, quantity));
  }
}

function raise(totals: Totals, to: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of to) {
    const held = totals.get(name);
    if (held === undefined || compareQuantities(quantity, held) > 0) totals.set(name, quantity);
  }
}

/** What all containers together need at the worst moment: init containers one by one, sidecars beside everything after. */
export function totalOfContainers(spec: PodSpec, which: "requests" | "limits"): ReadonlyMap<string, Quantity> {
  const totals: Totals = new Map();
  for (const container of spec.containers ?? []) add(totals, container.resources?.[which]);
  const sidecars: Totals = new Map();
  const starting: Totals = new Map();
  for (const container of spec.initContainers ?? []) {
    const list = container.resources?.[which];
    if (isSidecar(container)) {
      add(totals, list);
      add(sidecars, list);
      raise(starting, sidecars);
    } else {
      const now: Totals = new Map(sidecars);
      add(now, list);
      raise(starting, now);
    }
  }
  raise(totals, starting);
  return totals;
}

/** Only in Pods. The containers' requests have their defaults already. */
export function defaultPodResources(spec: PodSpec): void {
  const resources = spec.resources;
  if (resources === undefined) return;
  const has = (list: ResourceList | undefined) => Object.keys(list ?? {}).length > 0;
  if (has(resources.limits) || has(resources.requests)) {
    const limits = { ...resources.limits };
    for (const [name, total] of totalOfContainers(spec, "limits")) {
      if (isHugePages(name) && resources.requests?.[name] === undefined) limits[name] ??= formatQuantity(total);
    }
    if (has(limits)) resources.limits = limits;
  }
  if (!has(resources.limits)) return;
  const requests = { ...resources.requests };
  for (const [name, total] of totalOfContainers(spec, "requests")) {
    if (isPodLevelResource(name) && isOvercommitAllowed(name)) requests[name] ??= formatQuantity(total);
  }
  for (const [name, limit] of Object.entries(resources.limits!)) {
    if (isPodLevelResource(name)) requests[name] ??= limit;
  }
  if (has(requests)) resources.requests = requests;
}

/** `path` is the spec's. */
export function validatePodResources(spec: PodSpec, claims: ReadonlySet<string>, path: string): FieldError[] {
  const resources = spec.resources;
  if (resources === undefined) return [];
  const at = `${path}.resources`;
  if (spec.os?.name === "windows") return [fieldError.forbidden(at, "may not be set for a windows pod")];
  const errors = resources.claims === undefined
    ? []
    : [fieldError.forbidden(`${at}.claims`, "claims may not be set for Resources at pod-level")];
  return [
    ...errors,
    ...validateRequirements(resources, { claims, validateName: validatePodResourceName }, at),
    ...validateTotals(spec, at),
    ...validateContainerLimits(spec, at),
  ];
}

function validateTotals(spec: PodSpec, path: string): FieldError[] {
  const { requests = {}, limits = {} } = spec.resources ?? {};
  const below = (which: "requests" | "limits", held: ResourceList, matters: (name: string) => boolean) =>
    [...totalOfContainers(spec, which)].flatMap(([name, total]) => {
      const pod = held[name];
      if (pod === undefined || !matters(name) || compareQuantities(total, pod) <= 0) return [];
      const detail = `must be greater than or equal to aggregate container ${which} of ${formatQuantity(total)}`;
      return [fieldError.invalid(`${path}.${which}[${name}]`, pod, detail)];
    });
  return [...below("requests", requests, () => true), ...below("limits", limits, isHugePages)];
}

function validateContainerLimits(spec: PodSpec, path: string): FieldError[] {
  const podLimits = spec.resources?.limits ?? {};
  return (spec.containers ?? []).flatMap((container, i) =>
    Object.entries(container.resources?.limits ?? {}).flatMap(([name, limit]) => {
      const podLimit = podLimits[name];
      if (podLimit === undefined || compareQuantities(limit, podLimit) <= 0) return [];
      // The path is Kubernetes' own, odd as it is.
      const at = `${path}.containers[${i}][${name}].limits`;
      return [fieldError.invalid(at, limit, `must be less than or equal to pod limits of ${podLimit}`)];
    })
  );
}
