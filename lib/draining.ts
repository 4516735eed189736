/**
 * What proxies, the draining controller and agents say to each other so that a pod is stopped only when nothing is sent to it any longer.
 * Every proxy keeps a Lease that says up to which revision of EndpointSlices its kernel follows; the controller compares it with
 * the slices in which the pod is terminating, and tells the agent by a condition of the pod.
 */
import type { Lease } from "./types/coordination_v1.ts";

/** Condition of a Pod that is being deleted: True when no proxy sends new connections to it. */
export const drainedCondition = "dev.sauropod/EndpointsDrained";

/** Where the proxies' Leases are. */
export const proxyLeaseNamespace = "kube-system";
export const proxyLeaseName = (node: string) => `proxy-${node}`;

/** On a proxy's Lease; the value is `proxy`. */
export const componentLabel = "dev.sauropod/component";

/** On a proxy's Lease: all EndpointSlices up to this revision are in the kernel of its host. */
export const programmedAnnotation = "dev.sauropod/programmed-revision";

/** What a proxy's Lease says; `undefined` when it is none. */
export function programmedOf(lease: Lease): { revision: number; expiresAt: number } | undefined {
  if (lease.metadata.labels?.[componentLabel] !== "proxy") return undefined;
  const { renewTime, leaseDurationSeconds = 0 } = lease.spec;
  const revision = Number(lease.metadata.annotations?.[programmedAnnotation] ?? 0);
  return { revision, expiresAt: Date.parse(renewTime ?? "") + leaseDurationSeconds * 1000 };
}
