/** Controlling owners: who controls an object, the reference to write, and how orphans are adopted and strays released. */
import type { Client } from "../../lib/client/client.ts";
import { apiVersionOf, type Kind, type KubeObject } from "../../lib/kind.ts";
import { isReason } from "../../lib/status.ts";
import type { OwnerReference } from "../../lib/types/meta_v1.ts";

/** The owner that controls the object. */
export function controllerOf(object: { metadata: KubeObject["metadata"] }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** The reference with which `owner` controls an object (metav1.NewControllerRef). */
export function controllerReference(kind: Kind, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** `namespace/name` of the controller, when it is of that kind. */
export function controllerKey(object: KubeObject, kind: Kind): string | undefined {
  const owner = controllerOf(object);
  if (owner === undefined || owner.kind !== kind.kind || groupOf(owner.apiVersion) !== kind.group) return undefined;
  return kind.namespaced ? `${object.metadata.namespace}/${owner.name}` : owner.name;
}

/** `apps` of `apps/v1`, `""` of `v1`. */
export function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf("/");
  return slash < 0 ? "" : apiVersion.slice(0, slash);
}

export interface Claims<T> {
  /** Controlled by the owner and still wanted. */
  mine: T[];
  /** Orphans that match: to be adopted. */
  adopt: T[];
  /** Controlled, but they match no more: to be released. */
  release: T[];
}

/**
 * Which objects an owner controls, adopts and releases (k8s.io/kubernetes/pkg/controller, BaseControllerRefManager). Pure.
 * An owner that is being deleted adopts and releases nothing.
 */
export function claim<T extends KubeObject>(
  owner: KubeObject,
  candidates: Iterable<T>,
  matches: (object: T) => boolean,
): Claims<T> {
  const claims: Claims<T> = { mine: [], adopt: [], release: [] };
  const leaving = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const controller = controllerOf(object);
    if (controller !== undefined) {
      if (controller.uid !== owner.metadata.uid) continue;
      if (matches(object)) claims.mine.push(object);
      else if (!leaving) claims.release.push(object);
    } else if (!leaving && object.metadata.deletionTimestamp === undefined && matches(object)) {
      claims.adopt.push(object);
    }
  }
  return claims;
}

export interface ClaimOptions {
  /** One that all objects of the owner have: it comes with the reference and goes with it. */
  finalizer?: string;
}

/** The owner that wants to adopt has gone, or another has its name. */
export class OwnerGone extends Error {
  override name = "OwnerGone";
}

/**
 * Adopts one object. The owner is read from the server first: an informer may be behind a deletion, and an object that is adopted by
 * a deleted owner is collected. A gone object is none to adopt.
 */
export async function adopt(
  client: Client,
  kind: Kind,
  owner: KubeObject,
  objectKind: Kind,
  object: KubeObject,
  { finalizer }: ClaimOptions = {},
): Promise<void> {
  const fresh = await client.get(kind, owner.metadata);
  const { namespace, name, uid } = owner.metadata;
  if (fresh.metadata.uid !== uid) {
    throw new OwnerGone(
      `original ${kind.kind} ${namespace}/${name} is gone: got uid ${fresh.metadata.uid}, wanted ${uid}`,
    );
  }
  if (fresh.metadata.deletionTimestamp !== undefined) {
    throw new OwnerGone(`${namespace}/${name} has just been deleted at ${fresh.metadata.deletionTimestamp}`);
  }
  const finalizers = finalizer === undefined ? undefined : [finalizer];
  const ownerReferences = [controllerReference(kind, owner)];
  const patch = { metadata: { ownerReferences, uid: object.metadata.uid, finalizers } };
  await ignoreGone(client.patch(objectKind, object.metadata, { type: "strategic", patch }));
}

/** Removes the owner's reference from an object that it no longer matches. */
export async function release(
  client: Client,
  owner: KubeObject,
  objectKind: Kind,
  object: KubeObject,
  { finalizer }: ClaimOptions = {},
): Promise<void> {
  const reference = { $patch: "delete", uid: owner.metadata.uid };
  const gone = finalizer === undefined ? {} : { "$deleteFromPrimitiveList/finalizers": [finalizer] };
  const patch = { metadata: { ownerReferences: [reference], uid: object.metadata.uid, ...gone } };
  await ignoreGone(client.patch(objectKind, object.metadata, { type: "strategic", patch }));
}

async function ignoreGone(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
