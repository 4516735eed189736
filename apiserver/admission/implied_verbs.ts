/**
 * What a request does besides what its method says, and what the user must be allowed to do too: a PUT or an apply that creates, and a
 * GET that opens a connection into a pod (k8s.io/apiserver/pkg/endpoints/handlers/create.go, withAuthorization; KEP-4650).
 */
import type { Permissions } from "./permissions.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const intoPods = new Set(["exec", "attach", "portforward"]);

export function impliedVerbs(permissions: Permissions): AdmissionPlugin {
  return {
    name: "ImpliedVerbs",
    mutate({ operation, verb, resource, subresource, namespace, name, user }) {
      const creates = operation === "CREATE" && (verb === "update" || verb === "patch");
      const connects = operation === "CONNECT" && verb === "get" && resource.group === "" &&
        resource.plural === "pods" && intoPods.has(subresource ?? "");
      if (!creates && !connects) return;
      const about = { group: resource.group, name: resource.plural, subresource, namespace, object: name };
      const access = { verb: "create", path: "", resource: about };
      if (!permissions.may(user, access)) throw permissions.refusal(user, access);
    },
  };
}
