/** What must be there before anybody works with the cluster: its namespaces, its roles, its two priorities. Safe to call again. */
import type { Client } from "../lib/client/client.ts";
import type { Kind, KubeObject, New } from "../lib/kind.ts";
import { isReason } from "../lib/status.ts";
import { Namespace, PriorityClass } from "../lib/types/kinds.ts";
import { bootstrapRbac } from "./auth/rbac/bootstrap.ts";
import { systemNamespaces } from "./controllers/bootstrap.ts";

/** pkg/apis/scheduling/v1/helpers.go, SystemPriorityClasses. */
const priorities = [
  {
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
  },
];

/** Needs a client that may do everything: nobody has rights before it has run. */
export async function createSystemObjects(client: Client): Promise<void> {
  for (const name of systemNamespaces) await make(client, Namespace, { metadata: { name }, spec: {} });
  await Promise.all([
    bootstrapRbac(client),
    ...priorities.map((priority) => make(client, PriorityClass, priority)),
  ]);
}

async function make<T extends KubeObject>(client: Client, kind: Kind<T>, object: New<T>): Promise<void> {
  try {
    await client.create(kind, object);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
