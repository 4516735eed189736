/** ResourceQuota: how much there may be in a namespace (ValidateResourceQuota). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { ResourceQuota, ResourceQuotaSpec } from "../../../lib/types/core_v1.ts";
import { ResourceQuota as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { type ResourceList, roundResources, validateQuantity } from "../meta/resource_list.ts";
import { isQuotaResource, validateQuotaResourceName } from "../meta/resource_name.ts";

const pods = ["pods"];
const compute = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
/** Scopes, and the standard resources that they may be applied to. */
const scopes: Readonly<Record<string, readonly string[]>> = {
  BestEffort: pods,
  CrossNamespacePodAffinity: [...pods, ...compute],
  NotBestEffort: [...pods, ...compute],
  NotTerminating: [...pods, ...compute],
  PriorityClass: [...pods, ...compute],
  Terminating: [...pods, ...compute],
  VolumeAttributesClass: ["persistentvolumeclaims", "requests.storage"],
};
const conflicts = [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] as const;
const existOnly = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
const existDetail = "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, " +
  "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or " +
  "ResourceQuotaScopeCrossNamespacePodAffinity";

function defaultQuota(quota: ResourceQuota): void {
  quota.spec ??= {};
  quota.status ??= {};
  roundResources(quota.spec.hard);
  roundResources(quota.status.hard);
  roundResources(quota.status.used);
}

function validateList(list: ResourceList | undefined, path: string): FieldError[] {
  return Object.entries(list ?? {}).flatMap(([name, quantity]) => {
    const at = `${path}[${name}]`;
    return [...validateQuotaResourceName(name, at), ...validateQuantity(name, quantity, at)];
  });
}

function validate({ spec }: ResourceQuota): FieldError[] {
  return [...validateList(spec.hard, "spec.hard"), ...validateScopes(spec), ...validateSelector(spec)];
}

/** Standard resources among the limits that a scope does not know. */
function unfit(scope: string, { hard = {} }: ResourceQuotaSpec): string[] {
  const fit = scopes[scope];
  return Object.keys(hard).filter((name) => isQuotaResource(name) && fit !== undefined && !fit.includes(name));
}

function validateScopes(spec: ResourceQuotaSpec): FieldError[] {
  const given: readonly string[] = spec.scopes ?? [];
  const wrong = (detail: string) => fieldError.invalid("spec.scopes", given, detail);
  const errors = given.flatMap((scope) => [
    ...(Object.hasOwn(scopes, scope) ? [] : [wrong("unsupported scope")]),
    ...unfit(scope, spec).map(() => wrong("unsupported scope applied to resource")),
  ]);
  return [...errors, ...conflicting(given).map(() => wrong("conflicting scopes"))];
}

function conflicting(given: readonly string[]) {
  return conflicts.filter((pair) => pair.every((scope) => given.includes(scope)));
}

function validateSelector(spec: ResourceQuotaSpec): FieldError[] {
  const { scopeSelector } = spec;
  const path = "spec.scopeSelector.matchExpressions";
  const given = scopeSelector?.matchExpressions ?? [];
  const errors = given.flatMap(({ scopeName = "", operator = "", values = [] }) => {
    const wrong: FieldError[] = [];
    if (!Object.hasOwn(scopes, scopeName)) {
      wrong.push(fieldError.invalid(`${path}.scopeName`, scopeName, "unsupported scope"));
    }
    for (const _ of unfit(scopeName, spec)) {
      wrong.push(fieldError.invalid(path, scopeSelector, "unsupported scope applied to resource"));
    }
    if (existOnly.includes(scopeName) && operator !== "Exists") {
      wrong.push(fieldError.invalid(`${path}.operator`, operator, existDetail));
    }
    return [...wrong, ...validateValues(operator, values, path)];
  });
  const names = given.map(({ scopeName }) => scopeName);
  return [
    ...errors,
    ...conflicting(names).map(() => fieldError.invalid(path, spec.scopes ?? null, "conflicting scopes")),
  ];
}

function validateValues(operator: string, values: readonly string[], path: string): FieldError[] {
  switch (operator) {
    case "In":
    case "NotIn": {
      if (values.length > 0) return [];
      const detail = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      return [fieldError.required(`${path}.values`, detail)];
    }
    case "Exists":
    case "DoesNotExist": {
      if (values.length === 0) return [];
      const detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      return [fieldError.invalid(`${path}.values`, values, detail)];
    }
    default:
      return [fieldError.invalid(`${path}.operator`, operator, "not a valid selector operator")];
  }
}

function validateUpdate({ spec }: ResourceQuota, old: ResourceQuota): FieldError[] {
  const text = (scopes: readonly string[] = []) => [...new Set(scopes)].sort().join();
  if (text(spec.scopes) === text(old.spec.scopes)) return [];
  return [fieldError.invalid("spec.scopes", spec.scopes ?? null, "field is immutable")];
}

/** `requests.cpu: 1/2, pods: 3/10`. */
function usage({ status }: ResourceQuota, isShown: (name: string) => boolean): string {
  const { hard = {}, used = {} } = status ?? {};
  const names = Object.keys(hard).filter(isShown).sort();
  return names.map((name) => `${name}: ${used[name] ?? "0"}/${hard[name]}`).join(", ");
}

const isLimit = (name: string) => name.startsWith("limits.");

export const resourceQuota: Resource<ResourceQuota> = defineResource<ResourceQuota>(kind, {
  definition: "io.k8s.api.core.v1.ResourceQuota",
  shortNames: ["quota"],
  status: true,
  generation: false,
  returnsDeleted: true,
  defaults: defaultQuota,
  validate,
  validateUpdate,
  validateStatus: ({ status }) => [
    ...validateList(status.hard, "status.hard"),
    ...validateList(status.used, "status.used"),
  ],
  columns: [
    nameColumn,
    { name: "Request", type: "string", value: (quota) => usage(quota, (name) => !isLimit(name)) },
    { name: "Limit", type: "string", value: (quota) => usage(quota, isLimit) },
    ageColumn,
  ],
}, isDNS1123Subdomain);
