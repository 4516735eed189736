/**
 * Nobody gives what they don't have (pkg/registry/rbac: policybased storages). Who writes a role must hold its rules, or may `escalate`;
 * who writes a binding must hold the rules of its role, or may `bind` it.
 */
import { compactRules, goList, missingRights, ruleText } from "../auth/rbac/covers.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { deepEqual } from "../../lib/patch/equal.ts";
import { notFound } from "../../lib/status.ts";
import type { ClusterRole, PolicyRule, RoleRef } from "../../lib/types/rbac_v1.ts";
import { forbidden } from "./forbidden.ts";
import type { Permissions } from "./permissions.ts";
import type { AdmissionPlugin, Attributes } from "./plugin.ts";

const group = "rbac.authorization.k8s.io";
const mastersGroup = "system:masters";
const everything: readonly PolicyRule[] = [
  { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
  { nonResourceURLs: ["*"], verbs: ["*"] },
];

export function rbacEscalation(permissions: Permissions): AdmissionPlugin {
  return {
    name: "RBACEscalation",
    validate(attributes) {
      const { resource, operation, user, object, old, subresource } = attributes;
      if (resource.group !== group || subresource !== undefined) return;
      if ((operation !== "CREATE" && operation !== "UPDATE") || object === undefined) return;
      if (user.groups.includes(mastersGroup) || (old !== undefined && onlyEndsSooner(object, old))) return;
      if (resource.plural.endsWith("roles")) return checkRole(attributes, permissions);
      return checkBinding(attributes, permissions);
    },
  };
}

/** The garbage collector takes owners and finalizers away: that gives nobody anything (IsOnlyMutatingGCFields). */
function onlyEndsSooner(object: KubeObject, old: KubeObject): boolean {
  const rest = ({ metadata, ...content }: KubeObject) => {
    const { ownerReferences: _, finalizers: __, managedFields: ___, resourceVersion: ____, ...kept } = metadata;
    return { ...content, metadata: kept };
  };
  return deepEqual(rest(object), rest(old));
}

function checkRole(attributes: Attributes, permissions: Permissions): void {
  const { resource, user, namespace, object, old, name } = attributes;
  const escalate = { verb: "escalate", path: "", resource: { group, name: resource.plural, namespace, object: name } };
  if (permissions.may(user, escalate)) return;
  const role = object as unknown as ClusterRole;
  const before = old as unknown as ClusterRole | undefined;
  confirm(attributes, permissions, role.rules ?? []);
  if (role.aggregationRule === undefined && before?.aggregationRule === undefined) return;
  // Whatever is labelled for it comes into it: only who may do everything may say so.
  if (missingRights(permissions.held(user, namespace).rules, everything).length === 0) return;
  throw forbidden(attributes, "must have cluster-admin privileges to use the aggregationRule");
}

function checkBinding(attributes: Attributes, permissions: Permissions): void {
  const { user, namespace, object } = attributes;
  const { roleRef } = object as unknown as { roleRef: RoleRef };
  const name = roleRef.kind === "ClusterRole" ? "clusterroles" : "roles";
  const bind = { verb: "bind", path: "", resource: { group, name, namespace, object: roleRef.name } };
  if (permissions.may(user, bind)) return;
  const rules = permissions.rulesOf(roleRef, namespace);
  if (rules === undefined) throw notFound({ group, plural: name }, roleRef.name);
  confirm(attributes, permissions, rules);
}

function confirm(attributes: Attributes, permissions: Permissions, rules: readonly PolicyRule[]): void {
  const { user, namespace } = attributes;
  const held = permissions.held(user, namespace);
  const missing = missingRights(held.rules, rules);
  if (missing.length === 0) return;
  const texts = [...new Set(compactRules(missing).map(ruleText))].sort();
  const errors = held.errors.length === 0 ? "" : `; resolution errors: [${held.errors.join(", ")}]`;
  const who = `user ${JSON.stringify(user.name)} (groups=${goList(user.groups)})`;
  throw forbidden(
    attributes,
    `${who} is attempting to grant RBAC permissions not currently held:\n${texts.join("\n")}${errors}`,
  );
}
