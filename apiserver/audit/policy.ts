/**
 * An audit policy (audit.k8s.io/v1 Policy) from its file: read once at start, and refused with everything that is wrong with it
 * (k8s.io/apiserver/pkg/audit/policy/reader.go, pkg/apis/audit/validation).
 */
import { parseYaml, YamlError } from "../../lib/schema/yaml.ts";
import { type FieldError, fieldError } from "../../lib/status.ts";
import { isDNS1123Subdomain } from "../../lib/validation.ts";

/** From least to most. */
export const levels = ["None", "Metadata", "Request", "RequestResponse"] as const;
export type AuditLevel = typeof levels[number];

export const stages = ["RequestReceived", "ResponseStarted", "ResponseComplete", "Panic"] as const;
export type AuditStage = typeof stages[number];

export interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface AuditRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  readonly omitStages: readonly AuditStage[];
  readonly omitManagedFields: boolean;
}

/** The message names every field that is wrong. */
export class AuditPolicyError extends Error {
  override name = "AuditPolicyError";
}

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Throws AuditPolicyError. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const policy = parse(text);
  const errors: FieldError[] = [];
  if (policy.apiVersion !== "audit.k8s.io/v1" || policy.kind !== "Policy") {
    throw new AuditPolicyError(
      `it must begin with "apiVersion: audit.k8s.io/v1" and "kind: Policy", and says ${
        JSON.stringify(policy.apiVersion)
      }, ${JSON.stringify(policy.kind)}`,
    );
  }
  const { rules = [], omitStages = [], omitManagedFields = false } = policy;
  only(policy, "", ["apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields"], errors);
  if (!Array.isArray(rules)) errors.push(fieldError.typeInvalid("rules", rules, "must be a list"));
  else {
    if (rules.length === 0) throw new AuditPolicyError("it has no rules, so nothing would be logged");
    rules.forEach((rule, i) => checkRule(rule, `rules[${i}]`, errors));
  }
  checkStages(omitStages, "omitStages", errors);
  checkBoolean(omitManagedFields, "omitManagedFields", errors);
  if (errors.length > 0) {
    throw new AuditPolicyError(errors.map(({ field, message }) => `${field}: ${message}`).join("; "));
  }
  return { rules, omitStages, omitManagedFields } as AuditPolicy;
}

function parse(text: string): Fields {
  try {
    const { value, duplicates } = parseYaml(text);
    if (duplicates.length > 0) throw new AuditPolicyError(duplicates.join("; "));
    if (!isFields(value)) throw new AuditPolicyError("it is no YAML mapping");
    return value;
  } catch (error) {
    if (error instanceof YamlError) throw new AuditPolicyError(error.message);
    throw error;
  }
}

function only(fields: Fields, at: string, known: readonly string[], errors: FieldError[]): void {
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) errors.push(fieldError.forbidden(at === "" ? name : `${at}.${name}`, "unknown field"));
  }
}

const lists = ["users", "userGroups", "verbs", "namespaces", "nonResourceURLs"] as const;

function checkRule(rule: unknown, at: string, errors: FieldError[]): void {
  if (!isFields(rule)) return void errors.push(fieldError.typeInvalid(at, rule, "must be a mapping"));
  only(rule, at, ["level", ...lists, "resources", "omitStages", "omitManagedFields"], errors);
  const { level, resources = [], omitStages = [], omitManagedFields = false } = rule;
  if (level === undefined || level === "") errors.push(fieldError.required(`${at}.level`));
  else if (!(levels as readonly unknown[]).includes(level)) {
    errors.push(fieldError.notSupported(`${at}.level`, level, levels));
  }
  for (const name of lists) checkWords(rule[name] ?? [], `${at}.${name}`, errors);
  const { namespaces, nonResourceURLs } = rule as { namespaces?: unknown[]; nonResourceURLs?: unknown[] };
  checkPaths(nonResourceURLs, `${at}.nonResourceURLs`, errors);
  if (!Array.isArray(resources)) errors.push(fieldError.typeInvalid(`${at}.resources`, resources, "must be a list"));
  else {
    resources.forEach((group, i) => checkResources(group, `${at}.resources[${i}]`, errors));
    if ((resources.length > 0 || (namespaces?.length ?? 0) > 0) && (nonResourceURLs?.length ?? 0) > 0) {
      const detail = "rules cannot apply to both regular resources and non-resource URLs";
      errors.push(fieldError.invalid(`${at}.nonResourceURLs`, nonResourceURLs, detail));
    }
  }
  checkStages(omitStages, `${at}.omitStages`, errors);
  checkBoolean(omitManagedFields, `${at}.omitManagedFields`, errors);
}

function checkWords(words: unknown, at: string, errors: FieldError[]): words is string[] {
  const right = Array.isArray(words) && words.every((word) => typeof word === "string");
  if (!right) errors.push(fieldError.typeInvalid(at, words, "must be a list of strings"));
  return right;
}

function checkPaths(paths: unknown, at: string, errors: FieldError[]): void {
  if (!Array.isArray(paths)) return;
  paths.forEach((path: unknown, i) => {
    if (path === "*" || typeof path !== "string") return;
    if (!path.startsWith("/")) {
      errors.push(fieldError.invalid(`${at}[${i}]`, path, "non-resource URL rules must begin with a '/' character"));
    }
    if (path !== "" && path.slice(0, -1).includes("*")) {
      const detail = "non-resource URL wildcards '*' must be the final character of the rule";
      errors.push(fieldError.invalid(`${at}[${i}]`, path, detail));
    }
  });
}

function checkResources(group: unknown, at: string, errors: FieldError[]): void {
  if (!isFields(group)) return void errors.push(fieldError.typeInvalid(at, group, "must be a mapping"));
  only(group, at, ["group", "resources", "resourceNames"], errors);
  const { group: name = "", resources = [], resourceNames = [] } = group;
  if (typeof name !== "string") errors.push(fieldError.typeInvalid(`${at}.group`, name, "must be a string"));
  else if (name !== "") {
    for (const detail of isDNS1123Subdomain(name)) errors.push(fieldError.invalid(`${at}.group`, name, detail));
  }
  const lists = checkWords(resources, `${at}.resources`, errors) &&
    checkWords(resourceNames, `${at}.resourceNames`, errors);
  if (lists && (resourceNames as string[]).length > 0 && resources.length === 0) {
    const detail = "using resourceNames requires at least one resource";
    errors.push(fieldError.invalid(`${at}.resourceNames`, resourceNames, detail));
  }
}

function checkStages(given: unknown, at: string, errors: FieldError[]): void {
  if (!checkWords(given, at, errors)) return;
  given.forEach((stage, i) => {
    if (!(stages as readonly string[]).includes(stage)) {
      errors.push(fieldError.notSupported(`${at}[${i}]`, stage, stages));
    }
  });
}

function checkBoolean(given: unknown, at: string, errors: FieldError[]): void {
  if (typeof given !== "boolean") errors.push(fieldError.typeInvalid(at, given, "must be true or false"));
}
