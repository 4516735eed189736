/**
 * Strategic merge patches (`application/strategic-merge-patch+json`): lists are merged by the keys that the schema
 * names, with the directives $patch, $retainKeys, $setElementOrder and $deleteFromPrimitiveList
 * (k8s.io/apimachinery/pkg/util/strategicpatch). Leaves out custom resources, which have no merge keys: 415 is said elsewhere.
 */
import type { Definition, Field } from "../schema/schema.ts";
import { statusError } from "../status.ts";
import { clone, getKey, isObject, type Json, setKey } from "./equal.ts";
import { mergeOrder } from "./order.ts";

const directive = "$patch";
const retainKeys = "$retainKeys";
const setElementOrder = "$setElementOrder/";
const deleteFromList = "$deleteFromPrimitiveList/";

/** What is known of the value that is merged: a struct's fields, a map's values, or nothing (free JSON). */
type Shape = Definition | Field | undefined;

/** The object with the patch applied; neither argument is changed. Throws BadRequest in Kubernetes' words. */
export function applyStrategicMergePatch(object: Json, patch: unknown, definition: Definition): Json {
  if (!isObject(patch)) throw bad("Invalid JSON document");
  return mergeMap(clone(object), clone(patch), definition);
}

const bad = (message: string) => statusError("BadRequest", message);
const noMergeKey = (map: Json, key: string) =>
  bad(`map: ${JSON.stringify(map)} does not contain declared merge key: ${key}`);

function fieldOf(shape: Shape, key: string): Field | undefined {
  if (shape === undefined) return undefined;
  if ("fields" in shape) return shape.fields.get(key);
  return shape.type === "map" ? shape.values : undefined;
}

/** What is below a field: its struct, or itself where it is a map; of a list, what its elements are. */
function shapeOf(field: Field | undefined): Shape {
  if (field?.type === "array") return shapeOf(field.items);
  return field?.struct ?? field;
}

/** Merges into `original`, using up `patch`: both are copies by now. */
function mergeMap(original: Json, patch: Json, shape: Shape): Json {
  if (Object.hasOwn(patch, directive)) return directedMap(patch);
  applyRetainKeys(original, patch);
  applyElementOrders(original, patch, shape);
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (key.startsWith(deleteFromList)) deletePrimitives(original, key.slice(deleteFromList.length), value);
    else if (value === null) delete original[key];
    else mergeKey(original, key, value, fieldOf(shape, key));
  }
  return original;
}

function directedMap(patch: Json): Json {
  const { [directive]: what, ...rest } = patch;
  if (what === "replace") return withoutNulls(rest) as Json;
  if (what === "delete") return {};
  throw bad(`unknown patch type: ${JSON.stringify(what)} in map: ${JSON.stringify(patch)}`);
}

function mergeKey(original: Json, key: string, value: unknown, field: Field | undefined): void {
  const current = getKey(original, key);
  const replaces = field?.patchStrategy.includes("replace") === true;
  if (isObject(current) && isObject(value)) {
    setKey(original, key, replaces ? fresh(value) : mergeMap(current, value, shapeOf(field)));
  } else if (Array.isArray(current) && Array.isArray(value)) {
    setKey(original, key, mergeListField(current, value, field));
  } else {
    const added = fresh(value);
    if (added === undefined) delete original[key];
    else setKey(original, key, added);
  }
}

function mergeListField(current: unknown[], patch: unknown[], field: Field | undefined): unknown[] {
  if (field?.patchStrategy.includes("merge") !== true) return fresh(patch) as unknown[];
  return mergeList(current, patch, field);
}

/** A patch's value where there is nothing to merge it with: without nulls and directives. */
function fresh(value: unknown): unknown {
  return removeDirectives(withoutNulls(value));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isObject(value)) return value;
  const rest: Json = {};
  for (const key of Object.keys(value)) if (value[key] !== null) setKey(rest, key, withoutNulls(value[key]));
  return rest;
}

/** undefined for what is not to be there at all: an element to delete, a list's own directive. */
function removeDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(removeDirectives).filter((item) => item !== undefined);
  if (!isObject(value)) return value;
  if (Object.hasOwn(value, directive)) {
    const { [directive]: what, ...rest } = value;
    return what === "delete" || Object.keys(rest).length === 0 ? undefined : removeDirectives(rest);
  }
  const rest: Json = {};
  for (const key of Object.keys(value)) {
    if (key === retainKeys || key.startsWith(setElementOrder) || key.startsWith(deleteFromList)) continue;
    const item = removeDirectives(value[key]);
    if (item !== undefined) setKey(rest, key, item);
  }
  return rest;
}

/** Keys that `$retainKeys` does not name go; the patch itself may only have keys that it names. */
function applyRetainKeys(original: Json, patch: Json): void {
  if (!Object.hasOwn(patch, retainKeys)) return;
  const list = patch[retainKeys];
  delete patch[retainKeys];
  if (!Array.isArray(list)) throw bad("invalid patch format of retainKeys");
  const kept = new Set(list);
  for (const key of Object.keys(patch)) {
    if (patch[key] === null || key.startsWith(setElementOrder) || key.startsWith(deleteFromList)) continue;
    if (!kept.has(key)) throw bad("invalid patch format of retainKeys");
  }
  for (const key of Object.keys(original)) if (!kept.has(key)) delete original[key];
}

function deletePrimitives(original: Json, key: string, value: unknown): void {
  if (!Array.isArray(value) || key === "") throw bad("invalid patch format of primitive list");
  const current = getKey(original, key);
  if (!Array.isArray(current)) return;
  const gone = new Set(value);
  setKey(original, key, current.filter((item) => !gone.has(item)));
}

/** Lists that come with `$setElementOrder`: merged, then ordered as it says. Takes them out of the patch. */
function applyElementOrders(original: Json, patch: Json, shape: Shape): void {
  for (const directiveKey of Object.keys(patch)) {
    if (!directiveKey.startsWith("$setElementOrder")) continue;
    const order = patch[directiveKey];
    delete patch[directiveKey];
    const key = directiveKey.slice(setElementOrder.length);
    if (!Array.isArray(order) || !directiveKey.startsWith(setElementOrder)) {
      throw bad("invalid patch format of setElementOrder list");
    }
    const field = fieldOf(shape, key);
    const current = listOf(original, key);
    const change = listOf(patch, key);
    checkOrder(change ?? [], order, field?.patchMergeKey);
    const merged = change === undefined
      ? current
      : current === undefined
      ? fresh(change) as unknown[]
      : mergeListField(current, change, field);
    if (merged === undefined) continue;
    setKey(original, key, ordered(merged, order, current ?? [], field?.patchMergeKey));
    delete patch[key];
  }
}

function listOf(object: Json, key: string): unknown[] | undefined {
  const value = getKey(object, key);
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw bad("invalid patch format of setElementOrder list");
  return value;
}

/** The key that tells a list's elements apart: of a map its merge key's value, of a primitive itself. */
function keyer(mergeKey: string | undefined): (item: unknown) => unknown {
  if (mergeKey === undefined) return (item) => item;
  return (item) => {
    if (!isObject(item)) throw bad(`expected a map, but received ${JSON.stringify(item)}`);
    if (!Object.hasOwn(item, mergeKey)) throw noMergeKey(item, mergeKey);
    return item[mergeKey];
  };
}

/** What the patch's list has must be in the order list, in the same order. */
function checkOrder(patch: readonly unknown[], order: readonly unknown[], mergeKey: string | undefined): void {
  if (patch.length === 0 || order.length === 0) return;
  const keyOf = keyer(mergeKey);
  const items = patch.filter((item) => !isObject(item) || !Object.hasOwn(item, directive));
  let i = 0;
  for (const item of order) if (i < items.length && keyOf(items[i]) === keyOf(item)) i++;
  if (i < items.length) {
    throw bad(
      `The order in patch list:\n${JSON.stringify(patch)}\n doesn't match $setElementOrder list:\n${
        JSON.stringify(order)
      }\n`,
    );
  }
}

function ordered(
  merged: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  return mergeOrder(merged, { patch: order, server, keyOf: keyer(mergeKey) });
}

function mergeList(current: unknown[], patch: unknown[], field: Field): unknown[] {
  if (current.length === 0 && patch.length === 0) return current;
  const maps = checkElements([...current, ...patch]);
  if (!maps) return ordered([...new Set([...current, ...patch])], patch, current, undefined);
  const key = field.patchMergeKey;
  if (key === undefined) throw bad(`cannot merge lists without merge key for ${field.items?.struct?.name ?? "list"}`);
  const { original, changes } = applySpecialElements(current, patch, key);
  const merged = mergeElements(original, changes, { key, shape: shapeOf(field) });
  return ordered(merged, changes, original, key);
}

/** Whether the elements are maps; they must all be, or none. */
function checkElements(items: readonly unknown[]): boolean {
  const maps = isObject(items[0]);
  for (const item of items) {
    if (Array.isArray(item)) throw bad("lists of lists are not supported");
    if (isObject(item) !== maps) throw bad("list element types are not identical");
  }
  return maps;
}

/** Elements of a patch's list that say something of the list: `{$patch: replace}`, `{$patch: delete, name: x}`. */
function applySpecialElements(
  current: unknown[],
  patch: readonly unknown[],
  key: string,
): { original: unknown[]; changes: unknown[] } {
  const changes: unknown[] = [];
  const deleted = new Set<unknown>();
  let replace = false;
  for (const item of patch as Json[]) {
    if (!Object.hasOwn(item, directive)) {
      changes.push(item);
      continue;
    }
    switch (item[directive]) {
      case "delete":
        if (!Object.hasOwn(item, key)) throw noMergeKey(item, key);
        deleted.add(item[key]);
        break;
      case "replace":
        replace = true;
        break;
      case "merge":
        throw bad("merging lists cannot yet be specified in the patch");
      default:
        throw bad(`unknown patch type: ${JSON.stringify(item[directive])} in map: ${JSON.stringify(item)}`);
    }
  }
  if (replace) return { original: fresh(changes) as unknown[], changes: [] };
  if (deleted.size === 0) return { original: current, changes };
  return { original: (current as Json[]).filter((item) => !deleted.has(getKey(item, key))), changes };
}

function mergeElements(
  original: readonly unknown[],
  changes: readonly unknown[],
  { key, shape }: { key: string; shape: Shape },
): unknown[] {
  const merged = [...original] as Json[];
  const places = new Map<unknown, number>();
  merged.forEach((item, i) => {
    const value = getKey(item, key);
    if (value !== undefined && !places.has(value)) places.set(value, i);
  });
  for (const change of changes as Json[]) {
    if (!Object.hasOwn(change, key)) throw noMergeKey(change, key);
    const at = places.get(change[key]);
    if (at !== undefined) merged[at] = mergeMap(merged[at]!, change, shape);
    else {
      places.set(change[key], merged.length);
      merged.push(fresh(change) as Json);
    }
  }
  return merged;
}
