/** ClusterRoleBinding: who has a ClusterRole everywhere. */
import { ClusterRoleBinding as kind } from "../../../lib/types/kinds.ts";
import type { ClusterRoleBinding } from "../../../lib/types/rbac_v1.ts";
import { isValidPathSegmentName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { bindingColumns, defaultBinding, validateBinding, validateBindingUpdate } from "./binding.ts";

export const clusterRoleBinding: Resource<ClusterRoleBinding> = defineResource<ClusterRoleBinding>(kind, {
  definition: "io.k8s.api.rbac.v1.ClusterRoleBinding",
  createOnUpdate: true,
  defaults: defaultBinding,
  validate: (binding) => validateBinding(binding, { roleKinds: ["ClusterRole"], namespaced: false }),
  validateUpdate: validateBindingUpdate,
  columns: bindingColumns,
}, isValidPathSegmentName);
