/** PartialObjectMetadata: an object's metadata and nothing else, for clients that only follow names, labels and owners. */
import type { KubeObject } from "../../lib/kind.ts";

export const partialKind = { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadata" } as const;

export function partialOf(object: Pick<KubeObject, "metadata">): KubeObject {
  return { ...partialKind, metadata: object.metadata };
}

/** As JSON text. */
export function partialText(object: Pick<KubeObject, "metadata">): string {
  return `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${JSON.stringify(object.metadata)}}`;
}
