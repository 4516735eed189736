/**
 * THE write path. Create, update, patch, apply, status, scale and every dry-run of them go through here, in this order:
 * get old → defaults → managed fields → mutating admission → prepare → validate → validating admission → compare-and-set.
 * What is decided on a cached object that turns out to be stale is decided again on what is stored.
 */
import { admissionAttemptsMax, writeAttemptsMax } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { clone, deepEqual } from "../../lib/patch/equal.ts";
import { rfc3339 } from "../../lib/seams/clock.ts";
import { type FieldError, invalid, qualified, StatusError, statusError } from "../../lib/status.ts";
import { type Entry } from "../cache/cache.ts";
import { type Claim, ClaimTaken, WriteConflict } from "../storage/store.ts";
import { type Admission, admission, mutate, validate } from "./admit.ts";
import { cacheOf, type Call, prepareContext } from "./call.ts";
import { commit } from "./commit.ts";
import { isDeletable } from "./delete_plan.ts";
import { recordCreate, recordUpdate } from "./managed.ts";
import { contentOf, keepMeta, startMeta, validateMeta, validateMetaUpdate } from "./metadata.ts";
import { applyDefaults } from "./defaults.ts";
import { dropRepeatedOwners } from "./owners.ts";
import { Item } from "./text.ts";
import { viewOf } from "./view.ts";

export interface WriteSpec {
  subresource?: string;
  /**
   * Which part of the object this write is about. `all`: everything but the status. `status`: next() gives the whole
   * object, of which the status and the metadata are taken. `action`: next() knows what it does, and has validated it.
   */
  part: "all" | "status" | "action";
  dryRun: boolean;
  /** Recorded in managedFields. `undefined`: next() has recorded it itself (apply). */
  manager: string | undefined;
  /** The object to write, a copy of its own at every call. `old` is undefined when there is none. Throws StatusError. */
  next(old: Entry | undefined): KubeObject | Promise<KubeObject>;
}

export interface Written {
  /** In the resource's own version. */
  entry: Entry;
  did: "create" | "update" | "delete" | "nothing";
}

/** 409: somebody else changed it. */
export function conflict(resource: { group: string; plural: string }, name: string, why?: string): StatusError {
  const detail = why ?? "the object has been modified; please apply your changes to the latest version and try again";
  const message = `Operation cannot be fulfilled on ${qualified(resource)} ${JSON.stringify(name)}: ${detail}`;
  return statusError("Conflict", message, { name, group: resource.group || undefined, kind: resource.plural });
}

/**
 * Runs `attempt` on what is there, and again when that has changed meanwhile. It is given the cached entry first; what it
 * then refuses is only believed when the entry was not stale.
 */
export async function onCurrent<T>(
  call: Call,
  key: string,
  attempt: (old: Entry | undefined, certain: boolean) => Promise<T>,
): Promise<T> {
  let old = cacheOf(call).get(key);
  let certain = false;
  for (let attempts = 1;; attempts++) {
    try {
      return await attempt(old, certain);
    } catch (error) {
      if (error instanceof WriteConflict) {
        if (attempts >= writeAttemptsMax) throw conflict(call.resource, key.slice(key.indexOf("/") + 1));
        old = error.current === undefined ? undefined : Item.fromRow(error.current);
      } else {
        if (certain || !(error instanceof StatusError)) throw error;
        const row = await call.core.store.get(call.resource.storage, key);
        if (row?.revision === old?.revision) throw error;
        old = row === undefined ? undefined : Item.fromRow(row);
      }
      certain = true;
    }
  }
}

/** Changes what is there, or creates it where `next` answers without an old object. */
export function write(call: Call, key: string, spec: WriteSpec): Promise<Written> {
  return onCurrent(call, key, async (old, certain) => {
    const view = old === undefined ? undefined : viewOf(call.resource, old);
    const object = await spec.next(view);
    if (view === undefined) return { entry: await createObject(call, key, object, spec), did: "create" as const };
    return await updateObject(call, { key, object, spec, certain, old: old!, view });
  });
}

const afterAdmission = " after mutating admission happens";

type CreateSpec = Pick<WriteSpec, "dryRun" | "manager">;

/** Writes a new object. Throws WriteConflict when there is one. */
export async function createObject(call: Call, key: string, object: KubeObject, spec: CreateSpec): Promise<Entry> {
  const { resource, core } = call;
  // Kinds and plugins may rely on it being a text; an empty one is refused with whatever else is wrong.
  object.metadata.name ??= "";
  startMeta(resource, object.metadata, { uid: core.random.uuid(), created: rfc3339(core.clock.now()) });
  dropRepeatedOwners(object, "", call.warn);
  applyDefaults(resource, object);
  // What is not in the body is nobody's, or of those who add it.
  if (spec.manager !== undefined) recordCreate(call, object, spec.manager);
  const admitted = admission(call, { operation: "CREATE", name: object.metadata.name, object, dryRun: spec.dryRun });
  await mutate(call, admitted);
  dropRepeatedOwners(object, afterAdmission, call.warn);
  const { status = {} } = object as { status?: unknown };
  if (resource.status) (object as { status?: unknown }).status = resource.createsWithStatus ? status : {};
  resource.prepareCreate?.(object, prepareContext(call));
  refuse(call, object, [
    ...validateMeta(resource, object.metadata),
    ...resource.validate(object),
    ...resource.validateCreate?.(object) ?? [],
  ]);
  for (const warning of resource.warnings?.(object, undefined) ?? []) call.warn(warning);
  return await validated(
    call,
    admitted,
    (claims) => commit(call, { key, type: "put", object, old: undefined, dryRun: spec.dryRun, claims }),
  );
}

interface Update {
  key: string;
  object: KubeObject;
  spec: WriteSpec;
  certain: boolean;
  /** As stored, and in the resource's own version. */
  old: Entry;
  view: Entry;
}

async function updateObject(call: Call, update: Update): Promise<Written> {
  const { key, object, spec, old, view } = update;
  const before = view.object;
  if (spec.part === "status") keepAllButStatus(object, before);
  dropRepeatedOwners(object, "", call.warn);
  applyDefaults(call.resource, object);
  if (spec.manager !== undefined) recordUpdate(call, { before, after: object, ...spec, manager: spec.manager });
  const { name } = before.metadata;
  const about = { operation: "UPDATE" as const, subresource: spec.subresource, name, object, old: before };
  const admitted = admission(call, { ...about, dryRun: spec.dryRun });
  await mutate(call, admitted);
  dropRepeatedOwners(object, afterAdmission, call.warn);
  prepareUpdate(call, update);
  refuse(call, object, updateErrors(call, update));
  for (const warning of call.resource.warnings?.(object, before) ?? []) call.warn(warning);
  return await validated(call, admitted, async (claims) => {
    // What is stored with a key that is to go is written again as it is.
    if (isSame(object, before) && old.seal?.current !== false) return await unchanged(call, update);
    const type = isDeletable(call.resource, object, before) ? "delete" as const : "put" as const;
    const entry = await commit(call, { key, type, object, old, dryRun: spec.dryRun, claims });
    return { entry, did: type === "delete" ? "delete" as const : "update" as const };
  });
}

/** Asks the validating plugins, and again when a claim of theirs could not be met: others have written meanwhile. */
async function validated<T>(
  call: Call,
  admitted: Admission,
  write: (claims: readonly Claim[]) => Promise<T>,
): Promise<T> {
  for (let attempts = 1;; attempts++) {
    admitted.claims.length = 0;
    await validate(call, admitted);
    try {
      return await write(admitted.claims);
    } catch (error) {
      if (!(error instanceof ClaimTaken) || !admitted.claims.includes(error.claim)) throw error;
      if (attempts < admissionAttemptsMax) continue;
      const message = "too many write to this namespace at once, please try again later";
      throw statusError("ServiceUnavailable", message, { retryAfterSeconds: 1 });
    }
  }
}

/** A write of a status leaves everything else as it is; metadata (labels, annotations, finalizers) goes with it. */
function keepAllButStatus(object: KubeObject, old: KubeObject): void {
  const { status } = object as { status?: unknown };
  const kept = clone(contentOf(old));
  for (const name of Object.keys(contentOf(object))) delete (object as unknown as Record<string, unknown>)[name];
  // A status that is taken away is an empty one, as of an object that has none yet.
  Object.assign(object, kept, { status: status ?? {} });
}

function prepareUpdate(call: Call, { object, view, spec }: Update): void {
  const { resource } = call;
  const old = view.object;
  const { generation } = object.metadata;
  keepMeta(object.metadata, old.metadata);
  if (spec.part === "action") {
    // Whether it moves is the action's to say, which began with the old one.
    if (generation !== undefined) object.metadata.generation = generation;
    return;
  }
  const context = prepareContext(call);
  if (spec.part === "status") {
    resource.prepareStatus?.(object, old, context);
    return;
  }
  if (resource.status) {
    const { status } = old as { status?: unknown };
    (object as { status?: unknown }).status = status === undefined ? {} : clone(status);
  }
  resource.prepareUpdate?.(object, old, context);
  const { metadata } = object;
  const counted = metadata.generation === old.metadata.generation && resource.generation;
  if (counted && !deepEqual(contentOf(object), contentOf(old))) metadata.generation = (metadata.generation ?? 0) + 1;
}

function updateErrors(call: Call, { object, view, spec }: Update): FieldError[] {
  const { resource } = call;
  const old = view.object;
  const errors = validateMetaUpdate(object.metadata, old.metadata);
  if (spec.part === "action") return errors;
  if (spec.part === "status") return [...errors, ...resource.validateStatus?.(object, old) ?? []];
  return [...errors, ...resource.validate(object), ...resource.validateUpdate?.(object, old) ?? []];
}

function refuse(call: Call, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid(call.resource, object.metadata.name ?? "", errors);
}

/** Equal but for the revision, and for the times at which managers are said to have written. */
function isSame(object: KubeObject, old: KubeObject): boolean {
  return deepEqual(comparable(object), comparable(old));
}

function comparable(object: KubeObject): unknown {
  const { resourceVersion: _, managedFields, ...metadata } = object.metadata;
  const managers = managedFields?.map(({ time: _, ...entry }) => entry);
  return { ...object, metadata: managers === undefined ? metadata : { ...metadata, managedFields: managers } };
}

/** Nothing to write: no revision, no event. That must be true of what is stored, not only of what was cached. */
async function unchanged(call: Call, { key, certain, old, view }: Update): Promise<Written> {
  if (!certain) {
    const { storage } = call.resource;
    const row = await call.core.store.get(storage, key);
    if (row?.revision !== old.revision) {
      throw new WriteConflict({ resource: storage, key, expected: old.revision }, row);
    }
  }
  return { entry: view, did: "nothing" };
}
