/** The ServiceAccount `default` of every namespace (pkg/controller/serviceaccount/serviceaccounts_controller.go). */
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Namespace } from "../../lib/types/core_v1.ts";
import { ServiceAccount } from "../../lib/types/kinds.ts";
import { filtered } from "./changes.ts";
import type { Parts } from "./parts.ts";
import { isNamespaceTerminating } from "./pod_template.ts";

export interface ServiceAccountView {
  namespace: Namespace;
  exists: boolean;
}

export interface ServiceAccountAction {
  do: "create";
  namespace: string;
  why: string;
}

export function planServiceAccount(
  { namespace, exists }: ServiceAccountView,
  _now: Instant,
): readonly ServiceAccountAction[] {
  if (exists || isLeaving(namespace)) return [];
  return [{ do: "create", namespace: namespace.metadata.name, why: "every namespace has a default service account" }];
}

/** Nothing can be created in it any more. */
export const isLeaving = ({ metadata, status }: Namespace) =>
  metadata.deletionTimestamp !== undefined || status.phase === "Terminating";

export function serviceAccountController({ informers }: Parts): Controller<ServiceAccountView, ServiceAccountAction> {
  const { namespaces, serviceAccounts } = informers;
  const gone = filtered(serviceAccounts, ({ now }) => now === undefined);
  return {
    name: "service-account-controller",
    sources: [
      source(namespaces, ({ metadata }) => [metadata.name]),
      source(gone, ({ metadata }) => metadata.name === "default" ? [metadata.namespace] : []),
    ],
    view(name) {
      const namespace = namespaces.get(name);
      return namespace && { namespace, exists: serviceAccounts.get(`${name}/default`) !== undefined };
    },
    plan: planServiceAccount,
    async execute({ namespace }, client) {
      try {
        await client.create(ServiceAccount, { metadata: { name: "default", namespace } });
      } catch (error) {
        if (!isReason(error, "AlreadyExists") && !isNamespaceTerminating(error)) throw error;
      }
    },
  };
}
