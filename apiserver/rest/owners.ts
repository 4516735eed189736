/** Owners that an object names twice: once is enough, and the client is told (dedupOwnerReferences of k8s.io/apiserver). */
import type { KubeObject } from "../../lib/kind.ts";
import { deepEqual } from "../../lib/patch/equal.ts";
import type { OwnerReference } from "../../lib/types/meta_v1.ts";

/** `when`: empty, or ` after mutating admission happens`. */
export function dropRepeatedOwners({ metadata }: KubeObject, when: string, warn: (message: string) => void): void {
  const owners = metadata.ownerReferences;
  if (!Array.isArray(owners) || owners.length < 2) return;
  const kept: OwnerReference[] = [];
  const repeated = new Set<string>();
  for (const owner of owners) {
    if (kept.some((other) => other.uid === owner.uid && deepEqual(other, owner))) repeated.add(owner.uid);
    else kept.push(owner);
  }
  if (repeated.size === 0) return;
  metadata.ownerReferences = kept;
  warn(
    `metadata.ownerReferences contains duplicate entries${when}; API server dedups owner references in 1.20+, and may reject such ` +
      `requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${[...repeated].join(", ")}`,
  );
}
