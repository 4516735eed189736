/** All roles and bindings that every cluster has, as objects, in the order in which they are made. */
import type { New } from "../../../../lib/kind.ts";
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../../../lib/types/rbac_v1.ts";
import { defaultBindings } from "./bindings.ts";
import { componentRoles } from "./component_roles.ts";
import { controllerRoles } from "./controller_roles.ts";
import type { DefaultBinding, DefaultRole } from "./rule.ts";
import { userRoles } from "./user_roles.ts";

const apiGroup = "rbac.authorization.k8s.io";
/** An administrator who sets it to `false` on an object has the last word on it. */
export const autoUpdateAnnotation = "rbac.authorization.kubernetes.io/autoupdate";
const aggregate = (to: string) => `rbac.authorization.k8s.io/aggregate-to-${to}`;

const roles = [...userRoles, ...componentRoles, ...controllerRoles];

function meta(name: string, labels: Record<string, string> = {}) {
  return {
    name,
    annotations: { [autoUpdateAnnotation]: "true" },
    labels: { "kubernetes.io/bootstrapping": "rbac-defaults", ...labels },
  };
}

function clusterRoleOf({ name, rules, aggregateTo, aggregates }: DefaultRole): New<ClusterRole> {
  const metadata = meta(name, aggregateTo === undefined ? {} : { [aggregate(aggregateTo)]: "true" });
  if (aggregates === undefined) return { metadata, rules: [...rules] };
  const clusterRoleSelectors = [{ matchLabels: { [aggregate(aggregates)]: "true" } }];
  return { metadata, aggregationRule: { clusterRoleSelectors } };
}

const subjectsOf = ({ users = [], groups = [] }: DefaultBinding) => [
  ...users.map((name) => ({ apiGroup, kind: "User", name })),
  ...groups.map((name) => ({ apiGroup, kind: "Group", name })),
];

export const clusterRoles: readonly New<ClusterRole>[] = roles
  .filter(({ namespace }) => namespace === undefined).map(clusterRoleOf);

export const namespacedRoles: readonly New<Role>[] = roles
  .filter(({ namespace }) => namespace !== undefined)
  .map(({ name, namespace, rules }) => ({ metadata: { ...meta(name), namespace }, rules: [...rules] }));

export const clusterRoleBindings: readonly New<ClusterRoleBinding>[] = defaultBindings
  .filter(({ namespace }) => namespace === undefined)
  .map((binding) => ({
    metadata: meta(binding.name),
    roleRef: { apiGroup, kind: "ClusterRole", name: binding.role },
    subjects: subjectsOf(binding),
  }));

export const roleBindings: readonly New<RoleBinding>[] = defaultBindings
  .filter(({ namespace }) => namespace !== undefined)
  .map((binding) => ({
    metadata: { ...meta(binding.name), namespace: binding.namespace },
    roleRef: { apiGroup, kind: "Role", name: binding.role },
    subjects: subjectsOf(binding),
  }));
