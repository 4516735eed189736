/** Role: what may be done in one namespace. Who may grant it is authorization's business. */
import { Role as kind } from "../../../lib/types/kinds.ts";
import type { Role } from "../../../lib/types/rbac_v1.ts";
import { isValidPathSegmentName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { validatePolicyRules } from "./policy_rule.ts";

export const role: Resource<Role> = defineResource<Role>(kind, {
  definition: "io.k8s.api.rbac.v1.Role",
  createOnUpdate: true,
  validate: (role) => validatePolicyRules(role.rules, "rules", "namespace"),
}, isValidPathSegmentName);
