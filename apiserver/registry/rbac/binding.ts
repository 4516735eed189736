/** What RoleBindings and ClusterRoleBindings have in common: a role that can't change, and subjects (pkg/apis/rbac). */
import type { KubeObject } from "../../../lib/kind.ts";
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { RoleRef, Subject } from "../../../lib/types/rbac_v1.ts";
import { isDNS1123Subdomain, isValidPathSegmentName } from "../../../lib/validation.ts";
import type { Column } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";

export const rbacGroup = "rbac.authorization.k8s.io";

/** The fields of both kinds of binding. `roleRef` is absent in what a client has left it out of. */
export interface Binding extends KubeObject {
  roleRef?: RoleRef;
  subjects?: Subject[];
}

export function defaultBinding(binding: Binding): void {
  const ref = binding.roleRef ??= { kind: "", name: "" };
  if (!ref.apiGroup) ref.apiGroup = rbacGroup;
  for (const subject of binding.subjects ?? []) {
    if (!subject.apiGroup && (subject.kind === "User" || subject.kind === "Group")) subject.apiGroup = rbacGroup;
  }
}

export interface BindingRules {
  /** Kinds that roleRef may name. */
  roleKinds: readonly string[];
  /** Whether a ServiceAccount may go without a namespace. */
  namespaced: boolean;
}

export function validateBinding(binding: Binding, { roleKinds, namespaced }: BindingRules): FieldError[] {
  const errors: FieldError[] = [];
  const { apiGroup = "", kind = "", name = "" } = binding.roleRef ?? {};
  if (apiGroup !== rbacGroup) errors.push(fieldError.notSupported("roleRef.apiGroup", apiGroup, [rbacGroup]));
  if (!roleKinds.includes(kind)) errors.push(fieldError.notSupported("roleRef.kind", kind, roleKinds));
  if (name === "") errors.push(fieldError.required("roleRef.name"));
  else errors.push(...isValidPathSegmentName(name).map((m) => fieldError.invalid("roleRef.name", name, m)));
  (binding.subjects ?? []).forEach((subject, i) => {
    errors.push(...validateSubject(subject, `subjects[${i}]`, namespaced ? "namespace" : "cluster"));
  });
  return errors;
}

function validateSubject(subject: Subject, path: string, scope: "namespace" | "cluster"): FieldError[] {
  const errors: FieldError[] = [];
  const { kind = "", name = "", apiGroup = "", namespace = "" } = subject;
  if (name === "") errors.push(fieldError.required(`${path}.name`));
  switch (kind) {
    case "ServiceAccount":
      if (name !== "") {
        errors.push(...isDNS1123Subdomain(name).map((m) => fieldError.invalid(`${path}.name`, name, m)));
      }
      if (apiGroup !== "") errors.push(fieldError.notSupported(`${path}.apiGroup`, apiGroup, [""]));
      if (scope === "cluster" && namespace === "") errors.push(fieldError.required(`${path}.namespace`));
      break;
    case "User":
    case "Group":
      if (name === "") {
        errors.push(fieldError.invalid(`${path}.name`, name, `${kind.toLowerCase()} name cannot be empty`));
      }
      if (apiGroup !== rbacGroup) errors.push(fieldError.notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]));
      break;
    default:
      errors.push(fieldError.notSupported(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"]));
  }
  return errors;
}

/** Another role is another binding: whoever may change subjects must not choose what they get. */
export function validateBindingUpdate(binding: Binding, old: Binding): FieldError[] {
  if (deepEqual(binding.roleRef, old.roleRef)) return [];
  return [fieldError.invalid("roleRef", binding.roleRef, "cannot change roleRef")];
}

const named = (binding: Binding, kind: string) =>
  (binding.subjects ?? []).filter((s) => s.kind === kind)
    .map((s) => kind === "ServiceAccount" && s.namespace ? `${s.namespace}/${s.name}` : s.name).join(", ");

export const bindingColumns: readonly Column<Binding>[] = [
  nameColumn,
  { name: "Role", type: "string", value: ({ roleRef }) => `${roleRef?.kind}/${roleRef?.name}` },
  ageColumn,
  { name: "Users", type: "string", priority: 1, value: (binding) => named(binding, "User") },
  { name: "Groups", type: "string", priority: 1, value: (binding) => named(binding, "Group") },
  { name: "ServiceAccounts", type: "string", priority: 1, value: (binding) => named(binding, "ServiceAccount") },
];
