/**
 * Server-side apply and the tracking of ordinary writes: what becomes of an object and of its managedFields
 * (structured-merge-diff's merge.Updater with kube-apiserver's fieldmanager around it). Pure. Leaves out conversion
 * between versions: a manager's fields are taken at the version that is written.
 */
import { type Instant, rfc3339 } from "../seams/clock.ts";
import { clone, deepEqual, isObject, type Json } from "../patch/equal.ts";
import type { Definition } from "../schema/schema.ts";
import { DecodeError, decodeObject } from "../schema/validate.ts";
import { statusError } from "../status.ts";
import { changed, compare, type Comparison } from "./compare.ts";
import { type Conflict, conflictError } from "./conflicts.ts";
import {
  difference,
  emptySet,
  equalSets,
  type FieldSet,
  intersection,
  isEmpty,
  recursiveDifference,
  union,
} from "./fieldset.ts";
import { createdFields, stripped } from "./created.ts";
import { lastAppliedManager, lastAppliedSet, withLastApplied } from "./last_applied.ts";
import {
  capManagers,
  decodeManagers,
  encodeManagers,
  type ManagedFieldsEntry,
  type Manager,
  managerId,
  type Managers,
} from "./managed_fields.ts";
import { merge, removeItems } from "./merge.ts";
import { appliedSet, rootField, topologyError, withNamedFields } from "./types.ts";
import { zeroObject } from "./zero.ts";

interface Common {
  readonly definition: Definition;
  /** Of the request: `apps/v1`. Under a subresource that of the object itself. */
  readonly apiVersion: string;
  /** `fieldManager`, or what stands for it. */
  readonly manager: string;
  /** `status`, `scale`. */
  readonly subresource?: string;
  /** Fields that this endpoint resets and so does not write: `fieldSetOf("status")` of most kinds. */
  readonly ignored?: FieldSet;
  readonly now: Instant;
}

export interface ApplyRequest extends Common {
  /** The object as it is; absent when the apply creates it. */
  readonly live: object | undefined;
  readonly kind: string;
  /** The body, parsed. */
  readonly config: unknown;
  readonly force: boolean;
}

export interface Applied {
  /** The merged object, without managedFields and before defaults. It shares parts with `live`: do not change it in place. */
  readonly object: Json;
  readonly managedFields: ManagedFieldsEntry[];
}

/**
 * Merges an applied configuration. Throws StatusError: Conflict with a cause for each field of another manager's,
 * BadRequest for a configuration that does not fit the type.
 */
export function applyPatch(request: ApplyRequest): Applied {
  const { definition, ignored = emptySet } = request;
  const config = checkConfig(request);
  const live = withoutManagedFields((request.live ?? {}) as Json);
  const before = managersBefore(request, live);
  const self: Manager = {
    manager: request.manager,
    operation: "Apply",
    apiVersion: request.apiVersion,
    subresource: request.subresource,
    time: rfc3339(request.now),
    set: difference(recursiveDifference(appliedSet(config, definition), ignored), stripped),
  };
  const id = managerId(self);
  const last = before.get(id);
  const managers = new Map(before).set(id, self);
  const pruned = prune(merge(live, config, definition), { managers, last: last?.set, definition });
  // An object that the configuration names and that pruning has emptied is still to be there.
  const object = merge(pruned, config, definition);
  const comparison = compare(live, object, definition, ignored);
  const after = settle(managers, id, comparison, { allowed: allowedConflicts(request, live) });
  const unchanged = last !== undefined && deepEqual(live, object) && equalSets(last.set, self.set);
  if (unchanged && after.has(id)) after.set(id, { ...self, time: last.time });
  const synced = request.manager === lastAppliedManager ? withLastApplied(object, config) : object;
  return { object: synced, managedFields: encodeManagers(capManagers(after)) };
}

/** Which conflicts are no reason to refuse: all when forced, and for kubectl what client-side apply has applied. */
function allowedConflicts({ force, manager, definition }: ApplyRequest, live: Json): FieldSet | "all" {
  if (force) return "all";
  return manager === lastAppliedManager ? lastAppliedSet(live, definition) : emptySet;
}

/** The configuration without its managedFields. Throws BadRequest where it does not fit the type. */
export function checkConfig(request: Pick<ApplyRequest, "definition" | "apiVersion" | "kind" | "config">): Json {
  const { definition, apiVersion } = request;
  if (!isObject(request.config)) throw statusError("BadRequest", "error decoding YAML: the patch is not an object");
  const given = request.config;
  if (given.apiVersion !== apiVersion) {
    throw statusError(
      "BadRequest",
      `Incorrect version specified in apply patch. Specified patch version: ${
        given.apiVersion ?? ""
      }, expected: ${apiVersion}`,
    );
  }
  const metadata = isObject(given.metadata) ? given.metadata : {};
  if (Array.isArray(metadata.managedFields) && metadata.managedFields.length > 0) {
    throw statusError("BadRequest", "metadata.managedFields must be nil");
  }
  const name = [metadata.namespace, metadata.name].filter((part) => part !== undefined).join("/");
  const refuse = (detail: string) =>
    statusError(
      "BadRequest",
      `failed to create typed patch object (${name}; ${apiVersion}, Kind=${given.kind ?? ""}): ${detail}`,
    );
  if (given.kind !== request.kind) throw refuse(`no corresponding type for ${apiVersion}, Kind=${given.kind ?? ""}`);
  try {
    const { object, unknown } = decodeObject(clone(given), definition, "kept");
    if (unknown.length > 0) throw refuse(unknown.map((path) => `.${path}: field not declared in schema`).join("\n"));
    const error = topologyError(object, rootField(definition));
    if (error !== undefined) throw refuse(error);
    return withoutManagedFields(object);
  } catch (error) {
    if (error instanceof DecodeError) throw refuse(error.message);
    throw error;
  }
}

function withoutManagedFields(object: Json): Json {
  if (!isObject(object.metadata) || object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const entriesOf = (object: object | undefined): ManagedFieldsEntry[] | undefined =>
  (object as { metadata?: { managedFields?: ManagedFieldsEntry[] } } | undefined)?.metadata?.managedFields;

/** An object that has no managers yet is owned by `before-first-apply`: dropping a field must not remove what others wrote. */
function managersBefore(request: ApplyRequest, live: Json): Managers {
  const known = decodeManagers(entriesOf(request.live)) ?? new Map();
  if (known.size > 0 || request.live === undefined) return known;
  return took(new Map(), compare(zeroObject(request.definition), live, request.definition, request.ignored), {
    ...request,
    manager: "before-first-apply",
  });
}

/**
 * Takes out of the merged object what this manager applied the last time and not now, unless somebody else owns it
 * (Updater.prune with addBackOwnedItems and addBackDanglingItems).
 */
function prune(
  merged: Json,
  { managers, last, definition }: { managers: Managers; last: FieldSet | undefined; definition: Definition },
): Json {
  if (last === undefined || isEmpty(last)) return merged;
  const root = rootField(definition);
  const named = (set: FieldSet) => withNamedFields(set, root);
  const pathsOf = (object: Json) => named(appliedSet(object, definition));
  const owned = [...managers.values()].reduce((all, { set }) => union(all, set), emptySet);
  const mergedPaths = pathsOf(merged);
  const bare = removeItems(merged, named(last), definition);
  const withOwned = removeItems(merged, difference(mergedPaths, union(pathsOf(bare), named(owned))), definition);
  const gone = intersection(difference(mergedPaths, pathsOf(withOwned)), named(last));
  return removeItems(merged, gone, definition);
}

/**
 * What a change leaves to the other managers. Throws Conflict for what is theirs and not allowed; what they lose by
 * force, and what is removed, is theirs no more.
 */
function settle(
  managers: Managers,
  self: string,
  comparison: Comparison,
  { allowed }: { allowed: FieldSet | "all" },
): Map<string, Manager> {
  const touched = changed(comparison);
  const after = new Map<string, Manager>();
  const conflicts: Conflict[] = [];
  for (const [id, manager] of managers) {
    if (id === self) {
      if (!isEmpty(manager.set)) after.set(id, manager);
      continue;
    }
    const lost = intersection(manager.set, touched);
    const refused = allowed === "all" ? emptySet : difference(lost, allowed);
    if (!isEmpty(refused)) conflicts.push({ manager, set: refused });
    const gone = union(lost, intersection(manager.set, comparison.removed));
    if (isEmpty(gone)) {
      after.set(id, manager);
      continue;
    }
    const set = difference(manager.set, gone);
    if (!isEmpty(set)) after.set(id, { ...manager, set });
  }
  if (conflicts.length > 0) throw conflictError(conflicts);
  return after;
}

/** What a change's author takes over. */
function took(managers: Managers, comparison: Comparison, request: Common): Map<string, Manager> {
  const after = settle(managers, "", comparison, { allowed: "all" });
  const set = difference(changed(comparison), stripped);
  if (isEmpty(set)) return after;
  const { manager, apiVersion, subresource, now } = request;
  const self = { manager, operation: "Update" as const, apiVersion, subresource };
  const id = managerId(self);
  return after.set(id, { ...self, time: rfc3339(now), set: union(set, after.get(id)?.set ?? emptySet) });
}

export interface UpdateRequest extends Common {
  /** The object as it was; absent when it is created. */
  readonly before: object | undefined;
  /** The object as it is going to be, defaults included. Its own managedFields are taken as the client's. */
  readonly after: object;
}

/**
 * managedFields after a create, an update or a patch: the author owns what changed, nobody owns what is gone. A client
 * may rewrite the list, or reset it with one empty entry; an object without managers stays without.
 */
export function trackUpdate(request: UpdateRequest): ManagedFieldsEntry[] {
  const { before, after, definition, ignored } = request;
  const managers = managersOf(request);
  if (managers.size === 0) return before === undefined ? ofAuthor(request) : [];
  const old = withoutManagedFields((before ?? zeroObject(definition)) as Json);
  const comparison = compare(old, withoutManagedFields(after as Json), definition, ignored);
  return encodeManagers(capManagers(took(managers, comparison, request)));
}

/** Of an object that nobody has written yet. */
function ofAuthor({ after, definition, ignored, manager, apiVersion, subresource, now }: UpdateRequest) {
  const fieldsV1 = createdFields(after as Json, definition, ignored);
  if (Object.keys(fieldsV1).length === 0) return [];
  const time = rfc3339(now);
  const entry: ManagedFieldsEntry = {
    manager,
    operation: "Update",
    apiVersion,
    time,
    fieldsType: "FieldsV1",
    fieldsV1,
  };
  return [subresource === undefined ? entry : { ...entry, subresource }];
}

function managersOf({ before, after, subresource }: UpdateRequest): Managers {
  const live = () => decodeManagers(entriesOf(before)) ?? new Map();
  const given = entriesOf(after);
  if (subresource !== undefined || given === undefined) return live();
  if (given.length === 1 && isObject(given[0]) && Object.keys(given[0]).length === 0) return new Map();
  const managers = decodeManagers(given);
  return managers === undefined || managers.size === 0 ? live() : managers;
}
