/** Policy rules as RBAC has them (rbac.authorization.k8s.io/v1 PolicyRule), and what they allow. Pure. */
import type { PolicyRule } from "../../lib/types/rbac_v1.ts";

export type { PolicyRule };

/** What is asked for, as SubjectAccessReview has it. */
export interface Access {
  verb: string;
  /** Set for requests about objects. */
  resource?: {
    group: string;
    name: string;
    subresource?: string;
    namespace?: string;
    object?: string;
    /** The one value that a list's or watch's field selector allows a field to have, `undefined` when it allows several. */
    selects?(field: string): string | undefined;
  };
  /** The URL's path, for all others. */
  path: string;
}

const has = (list: readonly string[] | undefined, value: string) =>
  list !== undefined && (list.includes("*") || list.includes(value));

/** Does the rule allow it? */
export function ruleAllows(rule: PolicyRule, access: Access): boolean {
  if (!has(rule.verbs, access.verb)) return false;
  const { resource } = access;
  if (resource === undefined) return (rule.nonResourceURLs ?? []).some((pattern) => pathMatches(pattern, access.path));
  if (
    !has(rule.apiGroups, resource.group) || !resourceMatches(rule.resources ?? [], resource.name, resource.subresource)
  ) return false;
  const names = rule.resourceNames ?? [];
  return names.length === 0 || (resource.object !== undefined && names.includes(resource.object));
}

/** `*` is everything, `pods/log` one subresource, `*` + `/scale` that subresource of all. */
function resourceMatches(resources: readonly string[], name: string, subresource: string | undefined): boolean {
  const full = subresource === undefined ? name : `${name}/${subresource}`;
  return resources.some((r) => r === "*" || r === full || (subresource !== undefined && r === `*/${subresource}`));
}

function pathMatches(pattern: string, path: string): boolean {
  return pattern === "*" || pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}
