/** Who asks. The names and groups are Kubernetes'. */

import type { User } from "../admission/plugin.ts";

export type { User };

export const mastersGroup = "system:masters";
export const nodesGroup = "system:nodes";
export const authenticatedGroup = "system:authenticated";

export const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };

/** A user that has shown who it is. */
export function authenticated(name: string, groups: readonly string[] = []): User {
  return { name, groups: [...groups, authenticatedGroup] };
}

/** The API server itself, where it makes what must be there before anybody has rights. */
export const apiserverUser: User = authenticated("system:apiserver", [mastersGroup]);

/** The user of a control loop in this process. */
export function componentUser(name: string): User {
  return authenticated(name, name.startsWith("system:controller:") ? ["system:controllers"] : []);
}
