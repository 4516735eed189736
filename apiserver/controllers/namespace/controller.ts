/** Empties namespaces that are being deleted, and lets them go when nothing is left (pkg/controller/namespace). */
import { namespacePassMaxMs, namespacePassMinMs } from "../../../lib/limits.ts";
import { type Client, pathOf } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { refOf } from "../../../lib/kind.ts";
import type { Clock, Instant } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { Namespace } from "../../../lib/types/core_v1.ts";
import { Namespace as NamespaceKind } from "../../../lib/types/kinds.ts";
import { filtered } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { same } from "../same.ts";
import { deletionConditions, isEmpty } from "./conditions.ts";
import { deleteContent } from "./content.ts";

export interface NamespaceAction {
  do: "empty";
  namespace: Namespace;
  why: string;
}

export function planNamespace(namespace: Namespace, now: Instant) {
  const { deletionTimestamp } = namespace.metadata;
  if (deletionTimestamp === undefined || (namespace.spec.finalizers ?? []).length === 0) return [];
  // The longer it takes, the slower we ask: a finalizer may hold it for days.
  const waited = Math.max(0, now - Date.parse(deletionTimestamp));
  const interval = Math.min(namespacePassMaxMs, Math.max(namespacePassMinMs, waited / 4));
  return [
    { do: "empty", namespace, why: "it is being deleted" } as const,
    { do: "wakeAt", at: now + interval, why: "see whether anything is left" } as const,
  ];
}

export function namespaceController({ informers, clock }: Parts): Controller<Namespace, NamespaceAction> {
  const { namespaces, pods } = informers;
  const ended = filtered(pods, ({ now }) => now === undefined);
  const leaving = (name: string) => namespaces.get(name)?.metadata.deletionTimestamp !== undefined;
  return {
    name: "namespace-controller",
    sources: [
      source(namespaces, ({ metadata }) => [metadata.name]),
      // Only the last one's end is news; earlier ones would make a pass each.
      source(
        ended,
        ({ metadata: { namespace } }) =>
          leaving(namespace) && pods.by("namespace", namespace).length === 0 ? [namespace] : [],
      ),
    ],
    view: (name) => namespaces.get(name),
    plan: planNamespace,
    execute: ({ namespace }, client) => empty(client, namespace, clock),
  };
}

async function empty(client: Client, { metadata }: Namespace, clock: Clock): Promise<void> {
  try {
    let fresh = await client.get(NamespaceKind, refOf(metadata.name));
    if (fresh.metadata.uid !== metadata.uid || fresh.metadata.deletionTimestamp === undefined) return;
    const leftovers = await deleteContent(client, metadata.name);
    const conditions = deletionConditions(fresh.status.conditions, leftovers, clock.now());
    const status = { ...fresh.status, phase: "Terminating" as const, conditions };
    if (!same(status, fresh.status)) {
      fresh = await client.update(NamespaceKind, { ...fresh, status }, { subresource: "status" });
    }
    if (isEmpty(leftovers)) await finalize(client, fresh);
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}

async function finalize(client: Client, namespace: Namespace): Promise<void> {
  const finalizers = (namespace.spec.finalizers ?? []).filter((finalizer) => finalizer !== "kubernetes");
  const body = { ...namespace, apiVersion: "v1", kind: "Namespace", spec: { ...namespace.spec, finalizers } };
  const answer = await client.raw("PUT", pathOf(NamespaceKind, namespace.metadata, "finalize"), body);
  await answer.body?.cancel();
}
