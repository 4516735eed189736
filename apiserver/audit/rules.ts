/** What a policy wants to know of a request: the first rule that matches says it (k8s.io/apiserver/pkg/audit/policy/checker.go). Pure. */
import type { User } from "../auth/user.ts";
import type { RequestInfo } from "../rest/request_info.ts";
import type { AuditLevel, AuditPolicy, AuditRule, AuditStage, GroupResources } from "./policy.ts";

export interface Asked {
  /** Absent where nobody could be authenticated. */
  readonly user: Pick<User, "name" | "groups"> | undefined;
  readonly info: RequestInfo;
}

export interface Verdict {
  readonly level: AuditLevel;
  readonly omitStages: ReadonlySet<AuditStage>;
  readonly omitManagedFields: boolean;
}

const nothing: Verdict = { level: "None", omitStages: new Set(), omitManagedFields: false };

/** Rules with what becomes of the requests that they match. */
export type Rules = readonly { readonly rule: AuditRule; readonly verdict: Verdict }[];

export function rulesOf({ rules, omitStages, omitManagedFields }: AuditPolicy): Rules {
  return rules.map((rule) => ({
    rule,
    verdict: {
      level: rule.level,
      omitStages: new Set([...omitStages, ...rule.omitStages ?? []]),
      omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
    },
  }));
}

export function judge(rules: Rules, asked: Asked): Verdict {
  for (const { rule, verdict } of rules) if (matches(rule, asked)) return verdict;
  return nothing;
}

const given = (list: readonly unknown[] | undefined): list is readonly unknown[] =>
  list !== undefined && list.length > 0;

function matches(rule: AuditRule, { user, info }: Asked): boolean {
  if (given(rule.users) && !(user !== undefined && rule.users.includes(user.name))) return false;
  if (given(rule.userGroups) && !(user?.groups ?? []).some((group) => rule.userGroups!.includes(group))) return false;
  if (given(rule.verbs) && !rule.verbs.includes(info.verb)) return false;
  if (given(rule.namespaces) || given(rule.resources)) return info.isResource && matchesResource(rule, info);
  if (given(rule.nonResourceURLs)) {
    return !info.isResource && rule.nonResourceURLs.some((pattern) => isPath(pattern, info.path));
  }
  return true;
}

function matchesResource(rule: AuditRule, info: RequestInfo): boolean {
  if (given(rule.namespaces) && !rule.namespaces.includes(info.namespace ?? "")) return false;
  return !given(rule.resources) || rule.resources.some((group) => isAmong(group, info));
}

function isAmong({ group = "", resources = [], resourceNames = [] }: GroupResources, info: RequestInfo): boolean {
  if (group !== info.group) return false;
  if (resources.length === 0) return true;
  if (resourceNames.length > 0 && !resourceNames.includes(info.name ?? "")) return false;
  const { resource, subresource } = info;
  const full = subresource === undefined ? resource : `${resource}/${subresource}`;
  return resources.some((pattern) =>
    pattern === "*" || pattern === full || pattern === `${resource}/*` ||
    (subresource !== undefined && pattern === `*/${subresource}`)
  );
}

function isPath(pattern: string, path: string): boolean {
  if (pattern === "*" || pattern === path) return true;
  return pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1));
}
