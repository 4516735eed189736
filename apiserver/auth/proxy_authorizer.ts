/**
 * What a node's proxy may do besides what all proxies may (component_policy.ts): keep the one Lease that says what its host's kernel
 * follows. Another proxy's Lease would have pods stopped before their time.
 */
import { proxyLeaseName, proxyLeaseNamespace } from "../../lib/draining.ts";
import { nodeOfProxy } from "../../lib/join/signers.ts";
import type { Authorizer } from "./authorize.ts";

const verbs = ["get", "create", "update", "patch"];

export const proxyAuthorizer: Authorizer = {
  name: "proxy",
  allows(user, { verb, resource }) {
    const node = nodeOfProxy(user);
    if (node === undefined || resource === undefined) return false;
    if (resource.group !== "coordination.k8s.io" || resource.name !== "leases" || resource.subresource !== undefined) {
      return false;
    }
    const own = proxyLeaseName(node);
    const why = `can only get, create, update, or patch the lease ${proxyLeaseNamespace}/${own}`;
    if (!verbs.includes(verb) || resource.namespace !== proxyLeaseNamespace) return why;
    // A create says no name in its path: NodeRestriction looks into the object.
    return (verb === "create" && resource.object === undefined) || resource.object === own || why;
  },
};
