/**
 * Deletes what is in a namespace and reports what stays (pkg/controller/namespace/deletion). Pods go first: what they use (their
 * NetworkPolicies, Secrets, quotas) must not go before they do.
 */
import { namespaceResourcesMax } from "../../../lib/limits.ts";
import { type Client, pathOf } from "../../../lib/client/client.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import { isReason } from "../../../lib/status.ts";
import { discover, type ServedKind } from "../discovery.ts";
import type { Leftovers } from "./conditions.ts";

interface Tally {
  discoveryFailures: string[];
  deletionFailures: string[];
  remaining: Map<string, number>;
  finalizers: Map<string, number>;
}

export async function deleteContent(client: Client, namespace: string): Promise<Leftovers> {
  const { kinds, failures } = await discover(client);
  const tally: Tally = {
    discoveryFailures: [...failures],
    deletionFailures: [],
    remaining: new Map(),
    finalizers: new Map(),
  };
  const deletable = kinds.filter(({ namespaced, verbs }) =>
    namespaced && verbs.includes("delete") && verbs.includes("list")
  );
  const isPods = ({ group, plural }: ServedKind) => group === "" && plural === "pods";
  for (const kind of deletable.filter(isPods)) await deleteAll(client, kind, namespace, tally);
  const podsRemain = [...tally.remaining.values()].some((count) => count > 0) || tally.deletionFailures.length > 0;
  if (podsRemain) return tally;
  const rest = deletable.filter((kind) => !isPods(kind));
  const worker = async () => {
    for (let kind = rest.pop(); kind !== undefined; kind = rest.pop()) await deleteAll(client, kind, namespace, tally);
  };
  await Promise.all(Array.from({ length: namespaceResourcesMax }, worker));
  return tally;
}

async function deleteAll(client: Client, kind: ServedKind, namespace: string, tally: Tally): Promise<void> {
  try {
    // Kubernetes deletes the collection first and counts then; looking first spares the empty ones two requests.
    let left = await list(client, kind, namespace);
    if (left.length > 0) {
      await deleteCollection(client, kind, namespace, left);
      left = await list(client, kind, namespace);
    }
    if (left.length === 0) return;
    tally.remaining.set(`${kind.plural}.${kind.group}`, left.length);
    for (const finalizer of left.flatMap(({ metadata }) => metadata.finalizers ?? [])) {
      tally.finalizers.set(finalizer, (tally.finalizers.get(finalizer) ?? 0) + 1);
    }
  } catch (error) {
    // Not served any more, or not to be listed in a namespace.
    if (isReason(error, "NotFound", "MethodNotAllowed")) return;
    tally.deletionFailures.push(`${kind.plural}.${kind.group}: ${(error as Error).message}`);
  }
}

async function list(client: Client, kind: ServedKind, namespace: string): Promise<KubeObject[]> {
  return (await client.list(kind, { namespace })).items;
}

async function deleteCollection(
  client: Client,
  kind: ServedKind,
  namespace: string,
  objects: readonly KubeObject[],
): Promise<void> {
  if (kind.verbs.includes("deletecollection")) {
    const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background" };
    await (await client.raw("DELETE", pathOf(kind, { namespace }), body)).body?.cancel();
    return;
  }
  for (const { metadata } of objects) {
    try {
      await client.delete(kind, metadata, { propagationPolicy: "Background" });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }
}
