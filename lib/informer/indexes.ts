/** Index functions that several components use. */
import type { KubeObject } from "../kind.ts";

/** By namespace. */
export const byNamespace = (object: KubeObject): readonly string[] =>
  object.metadata.namespace === undefined ? [] : [object.metadata.namespace];

/** By the uid of the owner that controls the object. */
export const byController = (object: KubeObject): readonly string[] => {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner === undefined ? [] : [owner.uid];
};

/** By the uid of every owner. */
export const byOwner = (object: KubeObject): readonly string[] =>
  (object.metadata.ownerReferences ?? []).map((reference) => reference.uid);
