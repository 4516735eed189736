/** Which requests a FlowSchema is about (pkg/apis/flowcontrol/validation). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from "../../../lib/types/flowcontrol_v1.ts";
import { isDNS1123Label } from "../../../lib/validation.ts";
import { validateSubject } from "./subject.ts";

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
const namespaceForm = "each member of this list must be '*' or a DNS-1123 label; ";

export function validateRules(rule: PolicyRulesWithSubjects, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule;
  if (subjects.length === 0) {
    errors.push(fieldError.required(`${path}.subjects`, "subjects must contain at least one value"));
  }
  subjects.forEach((subject, i) => errors.push(...validateSubject(subject, `${path}.subjects[${i}]`)));
  if (resourceRules.length === 0 && nonResourceRules.length === 0) {
    const detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
    errors.push(fieldError.required(path, detail));
  }
  resourceRules.forEach((rule, i) => errors.push(...validateResourceRule(rule, `${path}.resourceRules[${i}]`)));
  nonResourceRules.forEach((rule, i) => errors.push(...validateUrlRule(rule, `${path}.nonResourceRules[${i}]`)));
  return errors;
}

/** Something must be there, and `*` stands alone. Whether each value is right is for `each` to say. */
function validateList(
  list: readonly string[] | undefined,
  path: string,
  words: { missing: string; alone: string; each?: (list: readonly string[]) => FieldError[] },
): FieldError[] {
  if (list === undefined || list.length === 0) return [fieldError.required(path, words.missing)];
  if (!list.includes("*")) return words.each?.(list) ?? [];
  if (list.length === 1) return [];
  return [fieldError.invalid(path, list, `if '*' is present, must not specify other ${words.alone}`)];
}

function validateVerbs(list: readonly string[] | undefined, path: string): FieldError[] {
  return validateList(list, path, {
    missing: "verbs must contain at least one value",
    alone: "verbs",
    each: (list) => list.every((verb) => verbs.includes(verb)) ? [] : [fieldError.notSupported(path, list, verbs)],
  });
}

function validateResourceRule(rule: ResourcePolicyRule, path: string): FieldError[] {
  const errors = [
    ...validateVerbs(rule.verbs, `${path}.verbs`),
    ...validateList(rule.apiGroups, `${path}.apiGroups`, {
      missing: "resource rules must supply at least one api group",
      alone: "api groups",
    }),
    ...validateList(rule.resources, `${path}.resources`, {
      missing: "resource rules must supply at least one resource",
      alone: "resources",
    }),
  ];
  const at = `${path}.namespaces`;
  if (rule.clusterScope && (rule.namespaces ?? []).length === 0) return errors;
  return [
    ...errors,
    ...validateList(rule.namespaces, at, {
      missing: "resource rules that are not cluster scoped must supply at least one namespace",
      alone: "namespaces",
      each: (list) =>
        list.flatMap((name, i) =>
          isDNS1123Label(name).map((m) => fieldError.invalid(`${at}[${i}]`, name, namespaceForm + m))
        ),
    }),
  ];
}

function validateUrlRule(rule: NonResourcePolicyRule, path: string): FieldError[] {
  const at = `${path}.nonResourceURLs`;
  return [
    ...validateVerbs(rule.verbs, `${path}.verbs`),
    ...validateList(rule.nonResourceURLs, at, {
      missing: "nonResourceURLs must contain at least one value",
      alone: "non-resource URLs",
      each: (list) =>
        list.flatMap((url, i) => {
          const wrong = urlError(url);
          return wrong === undefined ? [] : [fieldError.invalid(`${at}[${i}]`, url, wrong)];
        }),
    }),
  ];
}

/** A path from the root; `*` only as its last segment. */
function urlError(url: string): string | undefined {
  if (url === "") return "must not be empty";
  if (url === "/") return undefined;
  if (!url.startsWith("/")) return "must start with slash";
  if (url.includes(" ")) return "must not contain white-space";
  if (url.includes("//")) return "must not contain double slash";
  const stars = url.split("*").length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith("/*")) ? "wildcard can only do suffix matching" : undefined;
}
