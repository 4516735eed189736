/** Authorisation as admission sees it. */
import type { Permissions } from "../admission/permissions.ts";
import { type Authorizer, forbidden, mayAccess } from "./authorize.ts";
import { heldRules } from "./rbac/authorizer.ts";
import type { RbacView } from "./rbac/view.ts";

export function permissionsOf(authorizers: readonly Authorizer[], rbac: RbacView): Permissions {
  return {
    may: (user, access) => mayAccess(authorizers, user, access),
    refusal: (user, access) => forbidden(user, access, []),
    held: (user, namespace) => heldRules(rbac, user, namespace),
    rulesOf: (ref, namespace) => rbac.rules(ref, namespace),
  };
}
