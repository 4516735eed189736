/** ClusterRole: what may be done anywhere, with URLs and with roles that are put together from others by their labels. */
import { selectorFrom, validateLabelSelector } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError, StatusError } from "../../../lib/status.ts";
import { ClusterRole as kind } from "../../../lib/types/kinds.ts";
import type { LabelSelector } from "../../../lib/types/meta_v1.ts";
import type { ClusterRole } from "../../../lib/types/rbac_v1.ts";
import { isValidPathSegmentName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { validatePolicyRules } from "./policy_rule.ts";

function validate(role: ClusterRole): FieldError[] {
  const errors = validatePolicyRules(role.rules, "rules", "cluster");
  if (role.aggregationRule === undefined) return errors;
  const path = "aggregationRule.clusterRoleSelectors";
  const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
  if (selectors.length === 0) {
    const detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
    errors.push(fieldError.required(path, detail));
  }
  selectors.forEach((selector, i) => {
    errors.push(...validateLabelSelector(selector, `${path}[${i}]`), ...unusable(selector, `${path}[${i}]`));
  });
  return errors;
}

function unusable(selector: LabelSelector, path: string): FieldError[] {
  try {
    selectorFrom(selector);
    return [];
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return [fieldError.invalid(path, null, `invalid label selector, ${error.message}`)];
  }
}

export const clusterRole: Resource<ClusterRole> = defineResource<ClusterRole>(kind, {
  definition: "io.k8s.api.rbac.v1.ClusterRole",
  createOnUpdate: true,
  validate,
}, isValidPathSegmentName);
