/** May they? An ordered list of those who can say yes; nobody saying yes is no. */
import { qualified, statusError } from "../../lib/status.ts";
import type { StatusError } from "../../lib/status.ts";
import type { Policy } from "./component_policy.ts";
import { type Access, ruleAllows } from "./rules.ts";
import { mastersGroup, type User } from "./user.ts";

export interface Authorizer {
  readonly name: string;
  /** A string: it does not, and this is why. Somebody else in the list may still say yes. */
  allows(user: User, access: Access): boolean | string;
}

/** `system:masters` may do everything: the way back in when a policy is wrong. */
export const masters: Authorizer = {
  name: "masters",
  allows: (user) => user.groups.includes(mastersGroup),
};

/** Allows what the rules for the user and its groups allow. */
export function policies(list: readonly Policy[]): Authorizer {
  const bySubject = Map.groupBy(list, ({ subject }) => subject);
  const holds = ({ namespace, rules }: Policy, access: Access) =>
    (namespace === undefined || namespace === access.resource?.namespace) &&
    rules.some((rule) => ruleAllows(rule, access));
  return {
    name: "policies",
    allows: (user, access) =>
      [user.name, ...user.groups].some((subject) =>
        bySubject.get(subject)?.some((policy) => holds(policy, access)) ?? false
      ),
  };
}

/** Throws Forbidden, in Kubernetes' words, unless one of the list allows it. */
export function authorize(list: readonly Authorizer[], user: User, access: Access): void {
  const reasons: string[] = [];
  for (const authorizer of list) {
    const answer = authorizer.allows(user, access);
    if (answer === true) return;
    if (answer !== false) reasons.push(answer);
  }
  throw forbidden(user, access, reasons);
}

/** Would authorize() let it through? */
export function mayAccess(list: readonly Authorizer[], user: User, access: Access): boolean {
  return list.some((authorizer) => authorizer.allows(user, access) === true);
}

function forbidden(user: User, access: Access, reasons: readonly string[]): StatusError {
  const { resource, verb } = access;
  const why = reasons.length === 0 ? "" : `: ${reasons.join(", ")}`;
  const who = `User ${JSON.stringify(user.name)} cannot ${verb}`;
  if (resource === undefined) {
    return statusError("Forbidden", `forbidden: ${who} path ${JSON.stringify(access.path)}${why}`);
  }
  const name = resource.subresource === undefined ? resource.name : `${resource.name}/${resource.subresource}`;
  const where = resource.namespace === undefined
    ? "at the cluster scope"
    : `in the namespace ${JSON.stringify(resource.namespace)}`;
  const what = `resource ${JSON.stringify(name)} in API group ${JSON.stringify(resource.group)} ${where}`;
  const object = resource.object === undefined ? "" : ` ${JSON.stringify(resource.object)}`;
  return statusError(
    "Forbidden",
    `${qualified({ group: resource.group, plural: resource.name })}${object} is forbidden: ${who} ${what}${why}`,
    {
      name: resource.object,
      group: resource.group === "" ? undefined : resource.group,
      kind: resource.name,
    },
  );
}
