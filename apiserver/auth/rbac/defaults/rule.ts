/** A short way to write policy rules: lists are words, and `core` is the group without a name. */
import type { PolicyRule } from "../../../../lib/types/rbac_v1.ts";

/** Rules of one name, with what aggregates them. */
export interface DefaultRole {
  readonly name: string;
  /** Of a Role; absent for a ClusterRole. */
  readonly namespace?: string;
  readonly rules: readonly PolicyRule[];
  /** `view`: its rules are part of the ClusterRole `view`. */
  readonly aggregateTo?: string;
  /** Its rules are those of the roles that aggregate to it. */
  readonly aggregates?: string;
}

export interface DefaultBinding {
  readonly name: string;
  /** Of a RoleBinding; absent for a ClusterRoleBinding. */
  readonly namespace?: string;
  /** A ClusterRole, or the Role of the same namespace. */
  readonly role: string;
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
}

export const read = "get list watch";
export const write = "create delete deletecollection patch update";

const words = (text: string) => text.split(/\s+/).filter((word) => word !== "");

/** `rule("get list", "core apps", "pods deployments")`; `names`: only these objects. */
export function rule(verbs: string, groups: string, resources: string, names?: readonly string[]): PolicyRule {
  return {
    apiGroups: words(groups).map((group) => group === "core" ? "" : group),
    resources: words(resources),
    ...(names === undefined ? {} : { resourceNames: [...names] }),
    verbs: words(verbs),
  };
}

export function urls(verbs: string, paths: string): PolicyRule {
  return { nonResourceURLs: words(paths), verbs: words(verbs) };
}

export const events = rule("create patch update", "core events.k8s.io", "events");
