/** The namespaces that every cluster has (pkg/controlplane/controller/systemnamespaces). */
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Namespace } from "../../lib/types/core_v1.ts";
import { Namespace as NamespaceKind } from "../../lib/types/kinds.ts";
import { createBell } from "./changes.ts";
import type { Parts } from "./parts.ts";
import type { New } from "../../lib/kind.ts";

export const systemNamespaces = ["kube-system", "kube-public", "kube-node-lease", "default"] as const;

export interface BootstrapView {
  name: string;
  exists: boolean;
}

export interface BootstrapAction {
  do: "create";
  name: string;
  why: string;
}

export function planBootstrap({ name, exists }: BootstrapView, _now: Instant): readonly BootstrapAction[] {
  return exists ? [] : [{ do: "create", name, why: "every cluster has it" }];
}

export function bootstrapController({ informers }: Parts): Controller<BootstrapView, BootstrapAction> {
  const isOurs = (name: string) => (systemNamespaces as readonly string[]).includes(name);
  return {
    name: "system-namespaces",
    sources: [
      createBell("bootstrap", systemNamespaces).source,
      source(informers.namespaces, ({ metadata: { name } }) => isOurs(name) ? [name] : []),
    ],
    view: (name) => ({ name, exists: informers.namespaces.get(name) !== undefined }),
    plan: planBootstrap,
    async execute({ name }, client) {
      try {
        await client.create(NamespaceKind, { metadata: { name }, spec: {} } as New<Namespace>);
      } catch (error) {
        if (!isReason(error, "AlreadyExists")) throw error;
      }
    },
  };
}
