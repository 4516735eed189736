/** Objects live in namespaces that exist and are not going away; some namespaces never go away. */
import type { KubeObject } from "../../lib/kind.ts";
import { notFound } from "../../lib/status.ts";
import type { Namespace } from "../../lib/types/core_v1.ts";
import { forbidden } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

/** The cluster itself keeps things in these. */
const immortal = new Set(["default", "kube-system", "kube-public", "kube-node-lease"]);
const namespaces = { group: "", plural: "namespaces" };

async function find(lookup: Lookup, name: string): Promise<Namespace | undefined> {
  const known = lookup.get<Namespace & KubeObject>("namespaces", name);
  if (known !== undefined) return known;
  // It may have been created a moment ago.
  await lookup.fresh();
  return lookup.get<Namespace & KubeObject>("namespaces", name);
}

export const namespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  mutate(attributes: Attributes, lookup: Lookup) {
    const { operation, resource, namespace, name } = attributes;
    if (operation === "DELETE" && resource.group === "" && resource.plural === "namespaces" && immortal.has(name)) {
      throw forbidden(attributes, "this namespace may not be deleted");
    }
    // What is in a namespace that goes must be deletable.
    if (namespace === undefined || operation === "DELETE") return;
    return check(attributes, lookup, namespace);
  },
};

async function check(attributes: Attributes, lookup: Lookup, name: string): Promise<void> {
  const namespace = await find(lookup, name);
  if (namespace === undefined) throw notFound(namespaces, name);
  const terminating = namespace.status?.phase === "Terminating" || namespace.metadata.deletionTimestamp !== undefined;
  if (attributes.operation !== "CREATE" || !terminating) return;
  const cause = {
    reason: "NamespaceTerminating",
    message: `namespace ${name} is being terminated`,
    field: "metadata.namespace",
  };
  const why = `unable to create new content in namespace ${name} because it is being terminated`;
  throw forbidden(attributes, why, { causes: [cause] });
}
