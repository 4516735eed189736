/** What admission asks of authorisation: plugins that let some through and others not, by what they may do elsewhere. */
import type { Access, PolicyRule } from "../auth/rules.ts";
import type { User } from "./plugin.ts";

export interface Permissions {
  may(user: User, access: Access): boolean;
  /** The refusal of an access, in the words of authorisation. */
  refusal(user: User, access: Access): Error;
  /** What RBAC gives the user in a namespace, or in the whole cluster. */
  held(user: User, namespace: string | undefined): { rules: readonly PolicyRule[]; errors: readonly string[] };
  /** The rules of a role that a binding of the namespace refers to; `undefined`: there is none. */
  rulesOf(ref: { kind: string; name: string }, namespace: string | undefined): readonly PolicyRule[] | undefined;
}
