/** May they? An ordered list of those who can say yes; nobody saying yes is no. */
import { qualified, statusError } from "../../lib/status.ts";
import type { StatusError } from "../../lib/status.ts";
import type { Policy } from "./component_policy.ts";
import { type Access, ruleAllows } from "./rules.ts";
import { mastersGroup, type User } from "./user.ts";

export interface Authorizer {
  readonly name: string;
  allows(user: User, access: Access): boolean;
}

/** `system:masters` may do everything: the way back in when a policy is wrong. */
export const masters: Authorizer = {
  name: "masters",
  allows: (user) => user.groups.includes(mastersGroup),
};

/** Allows what the rules for the user and its groups allow. */
export function policies(list: readonly Policy[]): Authorizer {
  const bySubject = new Map(list.map((policy) => [policy.subject, policy.rules]));
  return {
    name: "policies",
    allows: (user, access) =>
      [user.name, ...user.groups].some((subject) =>
        bySubject.get(subject)?.some((rule) => ruleAllows(rule, access)) ?? false
      ),
  };
}

/** Throws Forbidden, in Kubernetes' words, unless one of the list allows it. */
export function authorize(list: readonly Authorizer[], user: User, access: Access): void {
  if (!list.some((authorizer) => authorizer.allows(user, access))) throw forbidden(user, access);
}

function forbidden(user: User, access: Access): StatusError {
  const { resource, verb } = access;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  if (resource === undefined) {
    return statusError("Forbidden", `forbidden: ${who} path ${JSON.stringify(access.path)}`);
  }
  const name = resource.subresource === undefined ? resource.name : `${resource.name}/${resource.subresource}`;
  const where = resource.namespace === undefined
    ? "at the cluster scope"
    : `in the namespace ${JSON.stringify(resource.namespace)}`;
  const what = `resource ${JSON.stringify(name)} in API group ${JSON.stringify(resource.group)} ${where}`;
  const object = resource.object === undefined ? "" : ` ${JSON.stringify(resource.object)}`;
  return statusError(
    "Forbidden",
    `${qualified({ group: resource.group, plural: resource.name })}${object} is forbidden: ${who} ${what}`,
    {
      name: resource.object,
      group: resource.group === "" ? undefined : resource.group,
      kind: resource.name,
    },
  );
}
