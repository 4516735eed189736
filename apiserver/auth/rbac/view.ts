/**
 * Roles and bindings as authorisation needs them, kept from the watch cache: for a user, what its bindings give it. Finding them costs
 * a look-up for each of the user's groups, however many bindings there are.
 */
import { refOf } from "../../../lib/kind.ts";
import type { PolicyRule, Role, RoleBinding, RoleRef, Subject } from "../../../lib/types/rbac_v1.ts";
import type { Cache } from "../../cache/cache.ts";
import { follow } from "../follow.ts";
import type { User } from "../user.ts";

export const rbacStorages = {
  roles: "rbac.authorization.k8s.io/roles",
  clusterRoles: "rbac.authorization.k8s.io/clusterroles",
  roleBindings: "rbac.authorization.k8s.io/rolebindings",
  clusterRoleBindings: "rbac.authorization.k8s.io/clusterrolebindings",
} as const;

/** What one subject of one binding gets. */
export interface Grant {
  /** Of the binding: absent for a ClusterRoleBinding. */
  readonly namespace?: string;
  readonly binding: string;
  readonly roleRef: RoleRef;
  readonly subject: Subject;
}

export interface RbacView {
  /** Of the user: ClusterRoleBindings, then those RoleBindings that are in the namespace. */
  grants(user: Pick<User, "name" | "groups">, namespace: string | undefined): Iterable<Grant>;
  /** Of a role; `undefined` where there is none. `namespace`: that of the binding. */
  rules(ref: Pick<RoleRef, "kind" | "name">, namespace: string | undefined): readonly PolicyRule[] | undefined;
  close(): void;
}

/** `declared`: the resources that the cache knows. Where RBAC's are not among them, nobody is granted anything. */
export function createRbacView(cache: Cache, declared: readonly string[]): RbacView {
  const rules = {
    role: new Map<string, readonly PolicyRule[]>(),
    clusterRole: new Map<string, readonly PolicyRule[]>(),
  };
  const inCluster = new Bindings();
  const inNamespaces = new Map<string, Bindings>();
  const stops: (() => void)[] = [];
  const followRules = (storage: string, into: Map<string, readonly PolicyRule[]>) => {
    if (!declared.includes(storage)) return;
    stops.push(follow<Role>(cache, storage, {
      reset: () => into.clear(),
      put: (key, role) => void into.set(key, role.rules ?? []),
      remove: (key) => void into.delete(key),
    }));
  };
  followRules(rbacStorages.roles, rules.role);
  followRules(rbacStorages.clusterRoles, rules.clusterRole);
  if (declared.includes(rbacStorages.clusterRoleBindings)) {
    stops.push(follow<RoleBinding>(cache, rbacStorages.clusterRoleBindings, {
      reset: () => inCluster.clear(),
      put: (key, { roleRef, subjects }) => inCluster.put(key, { roleRef, subjects }),
      remove: (key) => inCluster.remove(key),
    }));
  }
  if (declared.includes(rbacStorages.roleBindings)) {
    stops.push(follow<RoleBinding>(cache, rbacStorages.roleBindings, {
      reset: () => inNamespaces.clear(),
      put(key, { roleRef, subjects }) {
        const { namespace, name } = refOf(key);
        let bindings = inNamespaces.get(namespace!);
        if (bindings === undefined) inNamespaces.set(namespace!, bindings = new Bindings(namespace));
        bindings.put(name, { roleRef, subjects });
      },
      remove(key) {
        const { namespace, name } = refOf(key);
        const bindings = inNamespaces.get(namespace!);
        bindings?.remove(name);
        if (bindings?.isEmpty) inNamespaces.delete(namespace!);
      },
    }));
  }
  return {
    *grants(user, namespace) {
      yield* inCluster.of(user);
      if (namespace !== undefined) yield* inNamespaces.get(namespace)?.of(user) ?? [];
    },
    rules: ({ kind, name }, namespace) =>
      kind === "ClusterRole" ? rules.clusterRole.get(name) : rules.role.get(`${namespace}/${name}`),
    close: () => stops.splice(0).forEach((stop) => stop()),
  };
}

/** All bindings of one namespace, or of none, by their subjects. */
class Bindings {
  readonly #grants = new Map<string, readonly [string, Grant][]>();
  readonly #bySubject = new Map<string, Map<string, Grant[]>>();

  constructor(readonly namespace?: string) {}

  get isEmpty(): boolean {
    return this.#grants.size === 0;
  }

  put(name: string, { roleRef, subjects = [] }: Pick<RoleBinding, "roleRef" | "subjects">): void {
    this.remove(name);
    const grants = subjects.flatMap((subject): [string, Grant][] => {
      const key = subjectKey(subject, this.namespace);
      return key === undefined ? [] : [[key, { namespace: this.namespace, binding: name, roleRef, subject }]];
    });
    this.#grants.set(name, grants);
    for (const [key, grant] of grants) {
      let bindings = this.#bySubject.get(key);
      if (bindings === undefined) this.#bySubject.set(key, bindings = new Map());
      bindings.set(name, [...bindings.get(name) ?? [], grant]);
    }
  }

  remove(name: string): void {
    for (const [key] of this.#grants.get(name) ?? []) {
      const bindings = this.#bySubject.get(key);
      bindings?.delete(name);
      if (bindings?.size === 0) this.#bySubject.delete(key);
    }
    this.#grants.delete(name);
  }

  clear(): void {
    this.#grants.clear();
    this.#bySubject.clear();
  }

  *of(user: Pick<User, "name" | "groups">): Iterable<Grant> {
    if (this.#bySubject.size === 0) return;
    for (const key of [userKey(user.name), ...user.groups.map(groupKey)]) {
      for (const grants of this.#bySubject.get(key)?.values() ?? []) yield* grants;
    }
  }
}

const userKey = (name: string) => `user ${name}`;
const groupKey = (name: string) => `group ${name}`;

/** `namespace`: of the binding, which is a ServiceAccount's that names none. `undefined`: it is nobody. */
function subjectKey({ kind, name, namespace: own }: Subject, namespace: string | undefined): string | undefined {
  if (kind === "User") return userKey(name);
  if (kind === "Group") return groupKey(name);
  const home = own || namespace;
  return kind === "ServiceAccount" && home ? userKey(`system:serviceaccount:${home}:${name}`) : undefined;
}
