/** The rules of Roles and ClusterRoles (pkg/apis/rbac/validation, ValidatePolicyRule). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PolicyRule } from "../../../lib/types/rbac_v1.ts";

const isEmpty = (list: readonly unknown[] | undefined) => list === undefined || list.length === 0;

/** `scope`: a Role's rules can't be about URLs. `path`: of the list, `rules`. */
export function validatePolicyRules(
  rules: readonly PolicyRule[] | undefined,
  path: string,
  scope: "namespace" | "cluster",
): FieldError[] {
  return (rules ?? []).flatMap((rule, i) => validatePolicyRule(rule, `${path}[${i}]`, scope));
}

function validatePolicyRule(rule: PolicyRule, path: string, scope: "namespace" | "cluster"): FieldError[] {
  const errors: FieldError[] = [];
  if (isEmpty(rule.verbs)) {
    errors.push(fieldError.required(`${path}.verbs`, "verbs must contain at least one value"));
  }
  const urls = rule.nonResourceURLs;
  if (!isEmpty(urls)) {
    const wrong = (detail: string) => errors.push(fieldError.invalid(`${path}.nonResourceURLs`, urls, detail));
    if (scope === "namespace") wrong("namespaced rules cannot apply to non-resource URLs");
    if (!isEmpty(rule.apiGroups) || !isEmpty(rule.resources) || !isEmpty(rule.resourceNames)) {
      wrong("rules cannot apply to both regular resources and non-resource URLs");
    }
    return errors;
  }
  if (isEmpty(rule.apiGroups)) {
    errors.push(fieldError.required(`${path}.apiGroups`, "resource rules must supply at least one api group"));
  }
  if (isEmpty(rule.resources)) {
    errors.push(fieldError.required(`${path}.resources`, "resource rules must supply at least one resource"));
  }
  return errors;
}
