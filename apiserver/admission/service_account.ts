/**
 * Every pod runs as a ServiceAccount of its namespace, and pulls images with its secrets. Leaves out the account's token in
 * the pod's volumes: that is for the plugin after this one in mod.ts's order, when tokens can be requested.
 */
import { defaultServiceAccountWaitMs } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import type { Pod, ServiceAccount } from "../../lib/types/core_v1.ts";
import { forbidden, isPod } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const mirrorAnnotation = "kubernetes.io/config.mirror";
const defaultName = "default";

export const serviceAccount: AdmissionPlugin = {
  name: "ServiceAccount",
  async mutate(attributes: Attributes, lookup: Lookup) {
    if (!isPod(attributes) || attributes.operation !== "CREATE") return;
    const { spec, metadata } = attributes.object as unknown as Pod;
    if (spec === undefined || metadata.annotations?.[mirrorAnnotation] !== undefined) return;
    const name = spec.serviceAccountName || spec.serviceAccount || defaultName;
    spec.serviceAccountName = name;
    // The field's old name, which Kubernetes fills in for old clients.
    spec.serviceAccount = name;
    const account = await find(lookup, attributes.namespace!, name);
    if (account === undefined) {
      const what = `error looking up service account ${attributes.namespace}/${name}`;
      throw forbidden(attributes, `${what}: serviceaccount ${JSON.stringify(name)} not found`);
    }
    if ((spec.imagePullSecrets ?? []).length > 0 || (account.imagePullSecrets ?? []).length === 0) return;
    spec.imagePullSecrets = account.imagePullSecrets!.map((secret) => ({ ...secret }));
  },
  validate(attributes: Attributes) {
    if (!isPod(attributes) || attributes.operation !== "CREATE") return;
    const { spec, metadata } = attributes.object as unknown as Pod;
    if (metadata.annotations?.[mirrorAnnotation] === undefined || !spec?.serviceAccountName) return;
    throw forbidden(attributes, "a mirror pod may not reference service accounts");
  },
};

async function find(lookup: Lookup, namespace: string, name: string): Promise<ServiceAccount | undefined> {
  const key = `${namespace}/${name}`;
  const known = lookup.get<ServiceAccount & KubeObject>("serviceaccounts", key);
  if (known !== undefined) return known;
  // A new namespace gets its default account from a control loop: who creates a pod at once should not fail for that.
  if (name === defaultName) return await lookup.appears("serviceaccounts", key, defaultServiceAccountWaitMs);
  await lookup.fresh();
  return lookup.get("serviceaccounts", key);
}
