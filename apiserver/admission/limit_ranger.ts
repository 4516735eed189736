/** Defaults and bounds of what pods and claims ask for, as the namespace's LimitRanges say (plugin/pkg/admission/limitranger). */
import type { KubeObject } from "../../lib/kind.ts";
import { formatQuantity, type Quantity } from "../../lib/quantity.ts";
import { type Amounts, amountsOf, quantity } from "../../lib/quota/amounts.ts";
import { podTotal } from "../../lib/quota/pod_resources.ts";
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from "../../lib/types/core_v1.ts";
import { forbidden, isPod, isPodResize } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const annotation = "kubernetes.io/limit-ranger";

export const limitRanger: AdmissionPlugin = {
  name: "LimitRanger",
  mutate(attributes: Attributes, lookup: Lookup) {
    if (!isPod(attributes) || attributes.operation !== "CREATE" || attributes.object === undefined) return;
    const pod = attributes.object as unknown as Pod;
    for (const { spec } of rangesOf(attributes, lookup)) setDefaults(pod, spec.limits);
  },
  validate(attributes: Attributes, lookup: Lookup) {
    const { operation, object, resource, subresource } = attributes;
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
    const resize = isPodResize(attributes);
    if (subresource !== undefined && !resize) return;
    const isClaim = resource.group === "" && resource.plural === "persistentvolumeclaims";
    const checked = isPod(attributes)
      ? operation === "CREATE"
      : resize || isClaim && (operation === "CREATE" || operation === "UPDATE");
    if (!checked) return;
    for (const { spec } of rangesOf(attributes, lookup)) {
      const errors = spec.limits.flatMap((limit) =>
        isClaim
          ? claimErrors(limit, object as unknown as PersistentVolumeClaim)
          : podErrors(limit, object as unknown as Pod)
      );
      if (errors.length === 0) continue;
      throw forbidden(attributes, errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]`);
    }
  },
};

function rangesOf({ namespace }: Attributes, lookup: Lookup): readonly LimitRange[] {
  return lookup.list<LimitRange & KubeObject>("limitranges", namespace);
}

function setDefaults(pod: Pod, limits: readonly LimitRangeItem[]): void {
  const ofContainers = limits.filter(({ type }) => type === "Container");
  const limit = Object.assign({}, ...ofContainers.map((item) => item.default)) as Record<string, string>;
  const request = Object.assign({}, ...ofContainers.map((item) => item.defaultRequest)) as Record<string, string>;
  const said: string[] = [];
  const fill = (container: Container, what: string) => {
    const resources = container.resources ??= {};
    for (const [kind, list, defaults] of [["request", "requests", request], ["limit", "limits", limit]] as const) {
      const missing = Object.keys(defaults).filter((name) => !Object.hasOwn(resources[list] ?? {}, name)).sort();
      if (missing.length === 0) continue;
      resources[list] = { ...resources[list], ...Object.fromEntries(missing.map((name) => [name, defaults[name]!])) };
      said.push(`${missing.join(", ")} ${kind} for ${what} ${container.name}`);
    }
  };
  for (const container of pod.spec?.containers ?? []) fill(container, "container");
  for (const container of pod.spec?.initContainers ?? []) fill(container, "init container");
  if (said.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${said.join("; ")}`,
  };
}

interface Asked {
  type: string;
  requests: Amounts;
  limits: Amounts;
}

function podErrors(limit: LimitRangeItem, { spec }: Pod): string[] {
  const { type } = limit;
  if (type === "Pod") {
    return boundErrors(limit, { type, requests: podTotal(spec, "requests"), limits: podTotal(spec, "limits") });
  }
  if (type !== "Container") return [];
  return [...spec.containers, ...spec.initContainers ?? []].flatMap(({ resources }) =>
    boundErrors(limit, { type, requests: amountsOf(resources?.requests), limits: amountsOf(resources?.limits) })
  );
}

function boundErrors(limit: LimitRangeItem, asked: Asked): string[] {
  const each = (
    list: Record<string, string> | undefined,
    check: (name: string, bound: Quantity, asked: Asked) => string | undefined,
  ) =>
    Object.entries(list ?? {}).map(([name, bound]) => check(name, quantity(bound), asked)).filter((e) =>
      e !== undefined
    );
  return [...each(limit.min, atLeast), ...each(limit.max, atMost), ...each(limit.maxLimitRequestRatio, ratio)];
}

function atLeast(name: string, bound: Quantity, { type, requests, limits }: Asked): string | undefined {
  const rule = `minimum ${name} usage per ${type} is ${formatQuantity(bound)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (request === undefined) return `${rule}.  No request is specified`;
  if (request.nano < bound.nano) return `${rule}, but request is ${formatQuantity(request)}`;
  if (limit !== undefined && limit.nano < bound.nano) return `${rule}, but limit is ${formatQuantity(limit)}`;
  return undefined;
}

function atMost(name: string, bound: Quantity, { type, requests, limits }: Asked): string | undefined {
  const rule = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (limit === undefined) return `${rule}.  No limit is specified`;
  if (limit.nano > bound.nano) return `${rule}, but limit is ${formatQuantity(limit)}`;
  if (request !== undefined && request.nano > bound.nano) return `${rule}, but request is ${formatQuantity(request)}`;
  return undefined;
}

function ratio(name: string, bound: Quantity, { type, requests, limits }: Asked): string | undefined {
  const rule = `${name} max limit to request ratio per ${type} is ${formatQuantity(bound)}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (request === undefined || request.nano === 0n) return `${rule}, but no request is specified or request is 0`;
  if (limit === undefined || limit.nano === 0n) return `${rule}, but no limit is specified or limit is 0`;
  if (limit.nano * 1_000_000_000n <= bound.nano * request.nano) return undefined;
  return `${rule}, but provided ratio is ${(Number(limit.nano) / Number(request.nano)).toFixed(6)}`;
}

function claimErrors({ type, min, max }: LimitRangeItem, { spec }: PersistentVolumeClaim): string[] {
  if (type !== "PersistentVolumeClaim") return [];
  const requests = amountsOf(spec.resources?.requests);
  const low = Object.entries(min ?? {}).map(([name, bound]) =>
    atLeast(name, quantity(bound), { type, requests, limits: new Map() })
  );
  const high = Object.entries(max ?? {}).map(([name, text]) => {
    const [bound, request] = [quantity(text), requests.get(name)];
    const rule = `maximum ${name} usage per ${type} is ${formatQuantity(bound)}`;
    if (request === undefined) return `${rule}.  No request is specified`;
    return request.nano > bound.nano ? `${rule}, but request is ${formatQuantity(request)}` : undefined;
  });
  return [...low, ...high].filter((error) => error !== undefined);
}
