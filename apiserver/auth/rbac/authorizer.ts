/** Allows what roles allow whom bindings name (plugin/pkg/auth/authorizer/rbac). Nobody is ever denied: others may say yes. */
import type { Authorizer } from "../authorize.ts";
import { type PolicyRule, ruleAllows } from "../rules.ts";
import type { User } from "../user.ts";
import type { Grant, RbacView } from "./view.ts";

export interface HeldRules {
  readonly rules: readonly PolicyRule[];
  /** Bindings to roles that are not there. */
  readonly errors: readonly string[];
}

/** Everything that a user holds in a namespace, or in the whole cluster where none is named. */
export function heldRules(
  view: RbacView,
  user: Pick<User, "name" | "groups">,
  namespace: string | undefined,
): HeldRules {
  const rules: PolicyRule[] = [];
  const errors = new Set<string>();
  for (const grant of view.grants(user, namespace)) {
    const found = view.rules(grant.roleRef, grant.namespace);
    if (found === undefined) errors.add(noRole(grant));
    else rules.push(...found);
  }
  return { rules, errors: [...errors] };
}

export function rbacAuthorizer(view: RbacView): Authorizer {
  return {
    name: "rbac",
    allows(user, access) {
      const missing = new Set<string>();
      for (const grant of view.grants(user, access.resource?.namespace)) {
        const rules = view.rules(grant.roleRef, grant.namespace);
        if (rules === undefined) missing.add(noRole(grant));
        else if (rules.some((rule) => ruleAllows(rule, access))) return true;
      }
      if (missing.size === 0) return false;
      const [first] = missing;
      return `RBAC: ${missing.size === 1 ? first : `[${[...missing].join(", ")}]`}`;
    },
    explain(user, access) {
      for (const grant of view.grants(user, access.resource?.namespace)) {
        const rules = view.rules(grant.roleRef, grant.namespace) ?? [];
        if (rules.some((rule) => ruleAllows(rule, access))) return `RBAC: allowed by ${describe(grant)}`;
      }
      return "";
    },
    rulesFor(user, namespace) {
      const { rules, errors } = heldRules(view, user, namespace);
      return { rules, errors, incomplete: errors.length > 0 };
    },
  };
}

function noRole({ roleRef: { kind, name } }: Grant): string {
  return `${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`;
}

function describe({ namespace, binding, roleRef, subject }: Grant): string {
  const what = namespace === undefined ? "ClusterRoleBinding" : "RoleBinding";
  const name = namespace === undefined ? binding : `${binding}/${namespace}`;
  const account = subject.kind === "ServiceAccount" ? `/${subject.namespace || namespace}` : "";
  const whom = `${subject.kind} ${JSON.stringify(subject.name + account)}`;
  return `${what} ${JSON.stringify(name)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${whom}`;
}
