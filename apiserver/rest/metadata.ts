/**
 * The part of every object that is the server's business: who may set what in metadata, and what is wrong with it
 * (k8s.io/apimachinery/pkg/api/validation/objectmeta.go). Pure.
 */
import { annotationsBytesMax } from "../../lib/limits.ts";
import type { KubeObject, TemplateMeta } from "../../lib/kind.ts";
import { validateLabels } from "../../lib/selector/labels.ts";
import { type FieldError, fieldError } from "../../lib/status.ts";
import type { OwnerReference } from "../../lib/types/meta_v1.ts";
import { isDNS1123Label, isQualifiedName, isValidPathSegmentName, utf8Length } from "../../lib/validation.ts";
import type { Resource } from "./resource.ts";

type Named = Pick<Resource, "namespaced" | "nameErrors">;

/** Errors of the metadata of an object that is to be created. */
export function validateMeta(resource: Named, meta: TemplateMeta): FieldError[] {
  const errors: FieldError[] = [];
  const { name = "", generateName = "", namespace = "" } = meta;
  if (generateName !== "") {
    // The base of a generated name may end in what a whole name may not.
    const masked = generateName.endsWith("-") ? `${generateName.slice(0, -1)}a` : generateName;
    for (const message of resource.nameErrors(masked)) {
      errors.push(fieldError.invalid("metadata.generateName", generateName, message));
    }
  }
  if (name === "") errors.push(fieldError.required("metadata.name", "name or generateName is required"));
  else {for (const message of nameErrors(resource, name)) {
      errors.push(fieldError.invalid("metadata.name", name, message));
    }}
  if (!resource.namespaced) {
    if (namespace !== "") errors.push(fieldError.forbidden("metadata.namespace", "not allowed on this type"));
  } else if (namespace === "") errors.push(fieldError.required("metadata.namespace"));
  else {
    for (const message of isDNS1123Label(namespace)) {
      errors.push(fieldError.invalid("metadata.namespace", namespace, message));
    }
  }
  if ((meta.generation ?? 0) < 0) {
    errors.push(
      fieldError.invalid("metadata.generation", meta.generation, "must be greater than or equal to 0"),
    );
  }
  return [...errors, ...commonErrors(meta), ...finalizerErrors(meta.finalizers)];
}

/** Whatever a kind allows: a slash would make a key of two, and a path of another object. */
function nameErrors(resource: Named, name: string): string[] {
  const errors = resource.nameErrors(name);
  return errors.length > 0 ? errors : isValidPathSegmentName(name);
}

function commonErrors(meta: TemplateMeta): FieldError[] {
  return [
    ...validateLabels(meta.labels, "metadata.labels"),
    ...annotationErrors(meta.annotations),
    ...ownerErrors(meta.ownerReferences),
  ];
}

/** Keys are compared in lower case: annotations may be written `Example.com/Key`. */
export function annotationErrors(
  annotations: Readonly<Record<string, string>> | undefined,
  path = "metadata.annotations",
): FieldError[] {
  if (annotations === undefined) return [];
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const message of isQualifiedName(key.toLowerCase())) errors.push(fieldError.invalid(path, key, message));
    bytes += utf8Length(key) + utf8Length(value);
  }
  if (bytes > annotationsBytesMax) errors.push(fieldError.tooLong(path, annotationsBytesMax));
  return errors;
}

function ownerErrors(owners: readonly OwnerReference[] | undefined): FieldError[] {
  if (owners === undefined) return [];
  const errors: FieldError[] = [];
  const path = "metadata.ownerReferences";
  let controller: string | undefined;
  owners.forEach((owner, i) => {
    const at = `${path}[${i}]`;
    if (!/^([^/]+\/)?[^/]+$/.test(owner.apiVersion ?? "")) {
      errors.push(fieldError.invalid(`${at}.apiVersion`, owner.apiVersion ?? "", "version must not be empty"));
    }
    for (const name of ["kind", "name", "uid"] as const) {
      if (!owner[name]) errors.push(fieldError.invalid(`${at}.${name}`, owner[name] ?? "", "must not be empty"));
    }
    if (owner.apiVersion === "v1" && owner.kind === "Event") {
      errors.push(fieldError.invalid(at, owner, "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (!owner.controller) return;
    const current = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = current;
    else {
      const detail = 'Only one reference can have Controller set to true. Found "true" in references for ' +
        `${controller} and ${current}`;
      errors.push(fieldError.invalid(path, owners, detail));
    }
  });
  return errors;
}

export const orphanFinalizer = "orphan";
export const foregroundFinalizer = "foregroundDeletion";
const standardFinalizers = new Set([orphanFinalizer, foregroundFinalizer, "kubernetes"]);

function finalizerErrors(finalizers: readonly string[] | undefined): FieldError[] {
  if (finalizers === undefined) return [];
  const path = "metadata.finalizers";
  const errors: FieldError[] = [];
  finalizers.forEach((name, i) => {
    for (const message of isQualifiedName(name)) errors.push(fieldError.invalid(path, name, message));
    if (!name.includes("/") && !standardFinalizers.has(name)) {
      const detail = "name is neither a standard finalizer name nor is it fully qualified";
      errors.push(fieldError.invalid(`${path}[${i}]`, name, detail));
    }
  });
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer)) {
    const detail = `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`;
    errors.push(fieldError.invalid(path, finalizers, detail));
  }
  return errors;
}

const immutable = ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp"] as const;

/** Errors of the metadata of an object that is to be updated, keepMeta() having been applied. */
export function validateMetaUpdate(meta: TemplateMeta, old: TemplateMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const name of immutable) {
    if ((meta[name] ?? "") !== (old[name] ?? "")) {
      errors.push(fieldError.invalid(`metadata.${name}`, meta[name] ?? null, "field is immutable"));
    }
  }
  if (meta.deletionGracePeriodSeconds !== old.deletionGracePeriodSeconds) {
    const value = meta.deletionGracePeriodSeconds ?? null;
    errors.push(fieldError.invalid("metadata.deletionGracePeriodSeconds", value, "field is immutable"));
  }
  if (old.deletionTimestamp !== undefined) {
    const had = new Set(old.finalizers);
    const added = (meta.finalizers ?? []).filter((name) => !had.has(name)).sort();
    if (added.length > 0) {
      const found = `[]string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
      const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${found}`;
      errors.push(fieldError.forbidden("metadata.finalizers", detail));
    }
  }
  return [...errors, ...commonErrors(meta), ...finalizerErrors(meta.finalizers)];
}

/** What the server says about a new object, whatever the client sent. The name is set. `created`: RFC 3339. */
export function startMeta(
  resource: Pick<Resource, "generation">,
  meta: TemplateMeta,
  by: { uid: string; created: string },
): void {
  meta.uid = by.uid;
  meta.creationTimestamp = by.created;
  delete meta.resourceVersion;
  delete meta.selfLink;
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  if (resource.generation) meta.generation = 1;
  else delete meta.generation;
}

/** What an update can't change and need not repeat. */
export function keepMeta(meta: TemplateMeta, old: TemplateMeta): void {
  if (!meta.uid) meta.uid = old.uid;
  if (!meta.namespace && old.namespace !== undefined) meta.namespace = old.namespace;
  meta.creationTimestamp = old.creationTimestamp;
  if (old.deletionTimestamp !== undefined) meta.deletionTimestamp = old.deletionTimestamp;
  if (meta.deletionGracePeriodSeconds === undefined && old.deletionGracePeriodSeconds !== undefined) {
    meta.deletionGracePeriodSeconds = old.deletionGracePeriodSeconds;
  }
  if (old.generation === undefined) delete meta.generation;
  else meta.generation = old.generation;
  delete meta.selfLink;
}

/** `spec`, `data` and the like: what `generation` counts changes of. */
export function contentOf(object: KubeObject): Record<string, unknown> {
  const { apiVersion: _, kind: __, metadata: ___, status: ____, ...content } = object as KubeObject & {
    status?: unknown;
  };
  return content;
}
