/**
 * The annotation of client-side apply. `kubectl apply --server-side` takes over what it applied before without a
 * conflict, and keeps the annotation current, so that users can go back.
 */
import { getKey, isObject, type Json } from "../patch/equal.ts";
import type { Definition } from "../schema/schema.ts";
import { emptySet, type FieldSet, fieldSetOf, union } from "./fieldset.ts";
import { appliedSet, TopologyError } from "./types.ts";

export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** The only manager that this is for. Others opt out by their name. */
export const lastAppliedManager = "kubectl";

function annotationsOf(object: Json | undefined): Json {
  const annotations = isObject(object?.metadata) ? object.metadata.annotations : undefined;
  return isObject(annotations) ? annotations : {};
}

/** The fields that client-side apply has applied to an object; none without the annotation. */
export function lastAppliedSet(live: Json, definition: Definition): FieldSet {
  const text = getKey(annotationsOf(live), lastAppliedAnnotation);
  if (typeof text !== "string" || text === "") return emptySet;
  try {
    const config = JSON.parse(text);
    if (!isObject(config) || config.apiVersion !== live.apiVersion) return emptySet;
    const annotation = new Map([["f:metadata", {
      self: false,
      below: new Map([["f:annotations", {
        self: false,
        below: new Map([[`f:${lastAppliedAnnotation}`, { self: true }]]),
      }]]),
    }]]);
    return union(union(appliedSet(config, definition), annotation), fieldSetOf("metadata.annotations"));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TopologyError) return emptySet;
    throw error;
  }
}

/** The object with its annotation brought up to date, if it has one. */
export function withLastApplied(object: Json, config: Json): Json {
  if (getKey(annotationsOf(object), lastAppliedAnnotation) === undefined) return object;
  const { managedFields: _, ...metadata } = (config.metadata ?? {}) as Json;
  const { [lastAppliedAnnotation]: _last, ...annotations } = annotationsOf(config);
  const applied = { ...config, metadata: { ...metadata, ...(isObject(metadata.annotations) ? { annotations } : {}) } };
  const text = `${JSON.stringify(sortKeys(applied))}\n`;
  const own = { ...annotationsOf(object), [lastAppliedAnnotation]: text };
  return { ...object, metadata: { ...object.metadata as Json, annotations: own } };
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([k, v]) => [k, sortKeys(v)]));
}
