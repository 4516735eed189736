/** Do some rules give at least what others give? (k8s.io/component-helpers/auth/rbac/validation, Covers). Pure. */
import type { PolicyRule } from "../../../lib/types/rbac_v1.ts";

const includes = (list: readonly string[] | undefined, value: string) => list?.includes(value) ?? false;

/** What of `wanted` is not in `held`, in single rights: empty when all of it is. */
export function missingRights(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(singleRights).filter((right) => !held.some((rule) => covers(rule, right)));
}

/** Rules that name one verb, group, resource and object each, or one verb and URL. */
export function singleRights(rule: PolicyRule): PolicyRule[] {
  const rights: PolicyRule[] = [];
  const { verbs = [], apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  for (const apiGroup of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const right = { apiGroups: [apiGroup], resources: [resource], verbs: [verb] };
        if (resourceNames.length === 0) rights.push(right);
        else rights.push(...resourceNames.map((name) => ({ ...right, resourceNames: [name] })));
      }
    }
  }
  for (const url of nonResourceURLs) rights.push(...verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] })));
  return rights;
}

/** `right`: one of singleRights(). */
function covers(rule: PolicyRule, right: PolicyRule): boolean {
  const verb = right.verbs[0]!;
  if (!includes(rule.verbs, "*") && !includes(rule.verbs, verb)) return false;
  const url = right.nonResourceURLs?.[0];
  if (url !== undefined) return (rule.nonResourceURLs ?? []).some((pattern) => coversUrl(pattern, url));
  const [group, resource, name] = [right.apiGroups![0]!, right.resources![0]!, right.resourceNames?.[0]];
  if (!includes(rule.apiGroups, "*") && !includes(rule.apiGroups, group)) return false;
  const names = rule.resourceNames ?? [];
  if (names.length > 0 && (name === undefined || !names.includes(name))) return false;
  const slash = resource.indexOf("/");
  const anyParent = slash < 0 ? undefined : `*${resource.slice(slash)}`;
  return ["*", resource, anyParent].some((one) => one !== undefined && includes(rule.resources, one));
}

function coversUrl(pattern: string, url: string): boolean {
  return pattern === url || (pattern.endsWith("*") && url.startsWith(pattern.replace(/\*+$/, "")));
}

/** Joins the verbs of rights about the same thing. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const byThing = new Map<string, PolicyRule>();
  for (const { verbs, ...thing } of rules) {
    const key = JSON.stringify(thing, Object.keys(thing).sort());
    const known = byThing.get(key);
    if (known === undefined) byThing.set(key, { ...thing, verbs: [...verbs] });
    else known.verbs = [...new Set([...known.verbs, ...verbs])];
  }
  return [...byThing.values()];
}

/** As Kubernetes tells it: `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`. */
export function ruleText({ apiGroups, resources, nonResourceURLs, resourceNames, verbs }: PolicyRule): string {
  const parts: [string, readonly string[] | undefined][] = [
    ["APIGroups", apiGroups],
    ["Resources", resources],
    ["NonResourceURLs", nonResourceURLs],
    ["ResourceNames", resourceNames],
    ["Verbs", verbs],
  ];
  const shown = parts.filter(([, list]) => list !== undefined && list.length > 0);
  return `{${shown.map(([name, list]) => `${name}:${goList(list!)}`).join(", ")}}`;
}

/** `["a" "b"]`, as Go prints a list of quoted strings. */
export function goList(list: readonly string[]): string {
  return `[${list.map((value) => JSON.stringify(value)).join(" ")}]`;
}
