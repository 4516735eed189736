/** May they? An ordered list of those who can say yes; nobody saying yes is no. */
import { qualified, statusError } from "../../lib/status.ts";
import type { StatusError } from "../../lib/status.ts";
import type { Access, PolicyRule } from "./rules.ts";
import { mastersGroup, type User } from "./user.ts";

export interface Authorizer {
  readonly name: string;
  /** A string: it does not, and this is why. Somebody else in the list may still say yes. */
  allows(user: User, access: Access): boolean | string;
  /** Why it allows what it allows, for reviews. */
  explain?(user: User, access: Access): string;
  /** What the user may do in a namespace, as far as it can be listed. */
  rulesFor?(user: User, namespace: string | undefined): Listed;
}

export interface Listed {
  readonly rules: readonly PolicyRule[];
  readonly errors: readonly string[];
  /** There may be more. */
  readonly incomplete: boolean;
}

/** `system:masters` may do everything: the way back in when a policy is wrong. */
export const masters: Authorizer = {
  name: "masters",
  allows: (user) => user.groups.includes(mastersGroup),
};

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

/** What the list says of a question, with the reasons. */
export function review(
  list: readonly Authorizer[],
  user: User,
  access: Access,
): { allowed: boolean; reason: string } {
  const reasons: string[] = [];
  for (const authorizer of list) {
    const answer = authorizer.allows(user, access);
    if (answer === true) return { allowed: true, reason: authorizer.explain?.(user, access) ?? "" };
    if (answer !== false) reasons.push(answer);
  }
  return { allowed: false, reason: reasons.join("\n") };
}

/** The refusal, in Kubernetes' words. */
export function forbidden(user: User, access: Access, reasons: readonly string[]): StatusError {
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
