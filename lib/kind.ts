/** How a kind is addressed. The type parameter says what its objects are; nothing at run time carries it. */
import type { NamespacedMeta, ObjectMeta, TemplateMeta } from "./types/meta_v1.ts";

/** Any object of the API: the shape that generic code may rely on. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta & { namespace?: string };
}

export interface Kind<T = KubeObject> {
  /** API group, `""` for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural, as in URLs. */
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set; makes `Kind<Pod>` and `Kind<Node>` different types. */
  readonly "~object"?: T;
}

/** An object that has not been stored yet: the server fills the rest of its metadata and its status. */
export type New<T extends KubeObject> = Omit<T, "metadata" | "apiVersion" | "kind" | "status"> & {
  apiVersion?: T["apiVersion"];
  kind?: T["kind"];
  metadata: TemplateMeta;
  status?: T extends { status: infer S } ? S : unknown;
};

export interface Ref {
  readonly name: string;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string;
}

/** The `apiVersion` of a kind: `v1`, `apps/v1`. */
export function apiVersionOf(kind: Pick<Kind, "group" | "version">): string {
  return kind.group === "" ? kind.version : `${kind.group}/${kind.version}`;
}

/** The key under which caches and queues know an object: `namespace/name`, or `name` when it is in no namespace. */
export function keyOf(object: { metadata: { name: string; namespace?: string } }): string {
  const { namespace, name } = object.metadata;
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The inverse of keyOf(). */
export function refOf(key: string): Ref {
  const slash = key.indexOf("/");
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export type { NamespacedMeta, ObjectMeta, TemplateMeta };
