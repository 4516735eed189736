/**
 * Flow schemas in the form in which a request is compared with them (k8s.io/apiserver/pkg/util/flowcontrol/rule.go). Pure. Made once
 * when a FlowSchema changes, so that a request costs a few looks into sets.
 */
import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from "../../lib/types/flowcontrol_v1.ts";
import type { RequestInfo } from "../rest/request_info.ts";
import type { User } from "../auth/user.ts";

export interface FlowRequest {
  readonly user: Pick<User, "name" | "groups">;
  readonly info: Pick<RequestInfo, "isResource" | "verb" | "path" | "group" | "resource" | "subresource" | "namespace">;
}

export interface Schema {
  readonly name: string;
  readonly uid: string;
  readonly precedence: number;
  /** Name of the priority level. */
  readonly level: string;
  readonly distinguisher: "ByUser" | "ByNamespace" | undefined;
  readonly rules: readonly Rule[];
}

type Words = ReadonlySet<string>;

interface Rule {
  readonly users: Words;
  readonly groups: Words;
  /** `system:serviceaccount:kube-system:` */
  readonly accountPrefixes: readonly string[];
  readonly resources: readonly ResourceRule[];
  readonly paths: readonly PathRule[];
}

interface ResourceRule {
  readonly verbs: Words;
  readonly groups: Words;
  readonly resources: Words;
  readonly namespaces: Words;
  readonly clusterScope: boolean;
}

interface PathRule {
  readonly verbs: Words;
  readonly paths: Words;
  /** `/healthz/` */
  readonly prefixes: readonly string[];
}

const everyone = "*";
const accountPrefix = "system:serviceaccount:";

/** The schema of an object as the API has it. */
export function schemaOf({ metadata, spec }: Pick<FlowSchema, "metadata" | "spec">): Schema {
  const method = spec.distinguisherMethod?.type;
  return {
    name: metadata.name,
    uid: metadata.uid ?? "",
    precedence: spec.matchingPrecedence ?? 1000,
    level: spec.priorityLevelConfiguration.name,
    distinguisher: method === "ByUser" || method === "ByNamespace" ? method : undefined,
    rules: (spec.rules ?? []).map(ruleOf),
  };
}

function ruleOf({ subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects): Rule {
  const users = new Set<string>();
  const groups = new Set<string>();
  const accountPrefixes: string[] = [];
  for (const { user, group, serviceAccount } of subjects) {
    if (user !== undefined) users.add(user.name);
    if (group !== undefined) groups.add(group.name);
    if (serviceAccount === undefined) continue;
    const prefix = `${accountPrefix}${serviceAccount.namespace}:`;
    if (serviceAccount.name === "*") accountPrefixes.push(prefix);
    else users.add(prefix + serviceAccount.name);
  }
  return {
    users,
    groups,
    accountPrefixes,
    resources: resourceRules.map(resourceRuleOf),
    paths: nonResourceRules.map(pathRuleOf),
  };
}

function resourceRuleOf(rule: ResourcePolicyRule): ResourceRule {
  return {
    verbs: new Set(rule.verbs),
    groups: new Set(rule.apiGroups),
    resources: new Set(rule.resources),
    namespaces: new Set(rule.namespaces),
    clusterScope: rule.clusterScope ?? false,
  };
}

function pathRuleOf({ verbs, nonResourceURLs }: NonResourcePolicyRule): PathRule {
  const prefixes = nonResourceURLs.filter((path) => path.length > 1 && path.endsWith("*"))
    .map((path) => path.slice(0, -1)).map((path) => path.endsWith("/") ? path : `${path}/`);
  return { verbs: new Set(verbs), paths: new Set(nonResourceURLs), prefixes };
}

/** In the order in which they are asked: the first that matches has the request. */
export function inOrder(schemas: Iterable<Schema>): Schema[] {
  return [...schemas].sort((a, b) => a.precedence - b.precedence || (a.name < b.name ? -1 : 1));
}

/** Is the request one of the schema's? */
export function matches(schema: Schema, request: FlowRequest): boolean {
  for (const rule of schema.rules) {
    if (isSubject(rule, request.user) && isAsked(rule, request.info)) return true;
  }
  return false;
}

function isSubject({ users, groups, accountPrefixes }: Rule, user: FlowRequest["user"]): boolean {
  if (users.has(user.name) || users.has(everyone) || groups.has(everyone)) return true;
  if (groups.size > 0) {
    for (const group of user.groups) if (groups.has(group)) return true;
  }
  for (const prefix of accountPrefixes) if (user.name.startsWith(prefix)) return true;
  return false;
}

const has = (words: Words, word: string) => words.has("*") || words.has(word);

function isAsked({ resources, paths }: Rule, info: FlowRequest["info"]): boolean {
  if (!info.isResource) {
    for (const rule of paths) if (has(rule.verbs, info.verb) && isPath(rule, info.path)) return true;
    return false;
  }
  const { subresource, namespace } = info;
  for (const rule of resources) {
    if (!has(rule.verbs, info.verb) || !has(rule.groups, info.group ?? "")) continue;
    const resource = subresource === undefined ? info.resource! : `${info.resource}/${subresource}`;
    if (!has(rule.resources, resource)) continue;
    if (namespace === undefined ? rule.clusterScope : has(rule.namespaces, namespace)) return true;
  }
  return false;
}

function isPath({ paths, prefixes }: PathRule, path: string): boolean {
  if (has(paths, path)) return true;
  for (const prefix of prefixes) if (path.startsWith(prefix)) return true;
  return false;
}

/** Whose request it is among those of its schema: each such flow gets a fair share. */
export function distinguisherOf({ distinguisher }: Schema, { user, info }: FlowRequest): string {
  if (distinguisher === "ByUser") return user.name;
  return distinguisher === "ByNamespace" ? info.namespace ?? "" : "";
}
