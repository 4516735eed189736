/** How API servers say in their Leases that they are there, and where: what they write and the controller reads. */
import type { Lease } from "./types/coordination_v1.ts";

/** Kubernetes' label of the Leases of API servers. */
export const identityLabel = "apiserver.kubernetes.io/identity";
export const identityValue = "kube-apiserver";
/** Ours: where it is reached, `192.0.2.1:6443`. */
export const endpointAnnotation = "dev.sauropod/endpoint";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** Where an API server is reached; undefined for a Lease of something else. */
export function endpointOf({ metadata }: Lease): Endpoint | undefined {
  if (metadata.namespace !== "kube-system" || metadata.labels?.[identityLabel] !== identityValue) return undefined;
  const match = /^\[?([0-9a-fA-F.:]+?)\]?:(\d+)$/.exec(metadata.annotations?.[endpointAnnotation] ?? "");
  return match === null ? undefined : { address: match[1]!, port: Number(match[2]) };
}
