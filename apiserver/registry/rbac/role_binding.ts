/** RoleBinding: who has a role in one namespace. */
import { RoleBinding as kind } from "../../../lib/types/kinds.ts";
import type { RoleBinding } from "../../../lib/types/rbac_v1.ts";
import { isValidPathSegmentName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { bindingColumns, defaultBinding, validateBinding, validateBindingUpdate } from "./binding.ts";

export const roleBinding: Resource<RoleBinding> = defineResource<RoleBinding>(kind, {
  definition: "io.k8s.api.rbac.v1.RoleBinding",
  createOnUpdate: true,
  defaults: defaultBinding,
  validate: (binding) => validateBinding(binding, { roleKinds: ["Role", "ClusterRole"], namespaced: true }),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
}, isValidPathSegmentName);
