/**
 * What a DELETE does to an object: nothing more, mark it, or remove it (rest.BeforeDelete and the generic registry's
 * deletion of Kubernetes in one decision). Pure.
 */
import type { KubeObject } from "../../lib/kind.ts";
import { clone } from "../../lib/patch/equal.ts";
import { rfc3339 } from "../../lib/seams/clock.ts";
import { foregroundFinalizer, orphanFinalizer } from "./metadata.ts";
import type { PrepareContext, Resource } from "./resource.ts";

export interface DeletePreconditions {
  uid?: string;
  resourceVersion?: string;
}

export interface DeleteOptions {
  gracePeriodSeconds?: number;
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** The old form of propagationPolicy. */
  orphanDependents?: boolean;
  preconditions?: DeletePreconditions;
  dryRun: boolean;
}

export type DeletePlan =
  /** It is being deleted already, and not to be faster than asked. */
  | { do: "nothing" }
  | { do: "mark"; object: KubeObject }
  /** `object` is its last state; undefined: as it is. */
  | { do: "remove"; object: KubeObject | undefined };

/** `object` is read-only; what is answered is a copy. */
export function planDelete(
  resource: Resource,
  object: KubeObject,
  options: DeleteOptions,
  context: PrepareContext,
): DeletePlan {
  const copy = clone(object);
  const grace = gracePlan(resource, copy, options, context.now);
  if (grace === "pending") return { do: "nothing" };
  setGarbageFinalizers(resource, copy, options);
  const waits = isWaiting(resource, copy);
  if (grace === "none") {
    if (!waits) return { do: "remove", object: undefined };
    if (isMarked(object, copy)) return { do: "nothing" };
    markDeleted(copy, context.now);
  }
  if (object.metadata.deletionTimestamp === undefined) resource.prepareDelete?.(copy, context);
  const last = !waits && (copy.metadata.deletionGracePeriodSeconds ?? 0) === 0;
  return last ? { do: "remove", object: copy } : { do: "mark", object: copy };
}

/** True when an update has taken away what the deletion of an object was waiting for. */
export function isDeletable(resource: Resource, object: KubeObject, old: KubeObject): boolean {
  if (object.metadata.deletionTimestamp === undefined || isWaiting(resource, object)) return false;
  return isWaiting(resource, old) && (object.metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

function isWaiting(resource: Resource, object: KubeObject): boolean {
  return (object.metadata.finalizers ?? []).length > 0 || (resource.moreFinalizers?.(object) ?? []).length > 0;
}

/** `set`: the copy's deletion is now graceful, or faster than it was. `none`: there is no grace to speak of. */
function gracePlan(
  resource: Resource,
  copy: KubeObject,
  options: DeleteOptions,
  now: number,
): "none" | "pending" | "set" {
  const { metadata } = copy;
  // Kubernetes treats every negative period as one second.
  const asked = options.gracePeriodSeconds !== undefined && options.gracePeriodSeconds < 0
    ? 1
    : options.gracePeriodSeconds;
  if (resource.graceSeconds === undefined) return "none";
  const { deletionTimestamp, deletionGracePeriodSeconds: current } = metadata;
  if (deletionTimestamp !== undefined) {
    if (!current) return "none";
    if (asked === undefined || asked >= current) return "pending";
    metadata.deletionTimestamp = rfc3339(Date.parse(deletionTimestamp) + (asked - current) * 1000);
    metadata.deletionGracePeriodSeconds = asked;
    return "set";
  }
  const seconds = resource.graceSeconds(copy, asked);
  metadata.deletionTimestamp = rfc3339(now + seconds * 1000);
  metadata.deletionGracePeriodSeconds = seconds;
  bumpGeneration(copy);
  return "set";
}

function bumpGeneration({ metadata }: KubeObject): void {
  if (metadata.generation !== undefined && metadata.generation > 0) metadata.generation++;
}

function isMarked(object: KubeObject, copy: KubeObject): boolean {
  if (object.metadata.deletionTimestamp === undefined) return false;
  const before = object.metadata.finalizers ?? [];
  const after = copy.metadata.finalizers ?? [];
  return !object.metadata.deletionGracePeriodSeconds && before.length === after.length &&
    before.every((name, i) => name === after[i]);
}

function markDeleted(copy: KubeObject, now: number): void {
  const { metadata } = copy;
  if (metadata.deletionTimestamp === undefined) bumpGeneration(copy);
  if (metadata.deletionTimestamp === undefined || Date.parse(metadata.deletionTimestamp) > now) {
    metadata.deletionTimestamp = rfc3339(now);
  }
  // A Namespace that waits for nothing but its spec.finalizers is said to have no grace at all.
  if ((metadata.finalizers ?? []).length > 0) metadata.deletionGracePeriodSeconds = 0;
}

/** Adds and removes the finalizers that ask the garbage collector to orphan dependents, or to delete them first. */
function setGarbageFinalizers(resource: Resource, copy: KubeObject, options: DeleteOptions): void {
  const policy = dependentsPolicy(resource, copy, options);
  const had = copy.metadata.finalizers ?? [];
  const wanted = policy === "orphan" ? orphanFinalizer : policy === "foreground" ? foregroundFinalizer : undefined;
  if (wanted !== undefined && had.includes(wanted) && !had.includes(other(wanted))) return;
  const finalizers = had.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  if (wanted !== undefined) finalizers.push(wanted);
  if (finalizers.length === 0) delete copy.metadata.finalizers;
  else copy.metadata.finalizers = finalizers;
}

const other = (name: string) => name === orphanFinalizer ? foregroundFinalizer : orphanFinalizer;

/** What was asked for; else what the object's finalizers say; else the kind's default. */
function dependentsPolicy(
  resource: Resource,
  copy: KubeObject,
  options: DeleteOptions,
): "background" | "foreground" | "orphan" {
  if (resource.dependents === "unsupported") return "background";
  if (options.orphanDependents !== undefined) return options.orphanDependents ? "orphan" : "background";
  if (options.propagationPolicy === "Orphan") return "orphan";
  if (options.propagationPolicy === "Foreground") return "foreground";
  if (options.propagationPolicy === "Background") return "background";
  for (const name of copy.metadata.finalizers ?? []) {
    if (name === orphanFinalizer) return "orphan";
    if (name === foregroundFinalizer) return "foreground";
  }
  return resource.dependents;
}
