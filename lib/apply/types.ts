/**
 * How values are owned: which are one piece and which are owned part by part, from listType, listMapKeys, mapType and
 * structType; and the paths that a value has. Pure.
 */
import { getKey, isObject, type Json } from "../patch/equal.ts";
import { type Definition, type Field, isAtomicStruct, makeField } from "../schema/schema.ts";
import { type Element, type Entry, entry, type FieldSet, keyElement, valueElement } from "./fieldset.ts";

/** A list whose elements can't be told apart as its type demands. */
export class TopologyError extends Error {
  override name = "TopologyError";
}

const roots = new WeakMap<Definition, Field>();

/** A definition as the type of a whole object. */
export function rootField(definition: Definition): Field {
  let root = roots.get(definition);
  if (root === undefined) {
    // A whole object is never atomic, whatever its type is as a part of others.
    root = makeField({ type: "struct", struct: definition, structType: "granular" });
    roots.set(definition, root);
  }
  return root;
}

/** Of what no schema says anything: maps are owned key by key, lists as a whole. */
const deduced: Field = makeField({ type: "any" });
const deducedMap: Field = makeField({ type: "map", values: deduced });

/** `leaf`: owned as a whole. */
export type Relation = "leaf" | "struct" | "map" | "keyed" | "set";

export function relationOf(field: Field, preserved = false): Relation {
  switch (field.type) {
    case "struct":
      return isAtomicStruct(field) ? "leaf" : "struct";
    case "map":
      return field.mapType === "atomic" ? "leaf" : "map";
    case "array":
      return field.listType === "map" ? "keyed" : field.listType === "set" ? "set" : "leaf";
    default:
      return preserved ? "map" : "leaf";
  }
}

/** The type of a map's or a struct's member. */
export function memberField(field: Field, key: string, value: unknown): Field {
  const named = field.type === "struct" ? field.struct!.fields.get(key) : field.values;
  if (named !== undefined && named !== deduced) return named;
  return isObject(value) ? deducedMap : deduced;
}

/** The step to a list's element. Throws TopologyError for an element without its keys. */
export function elementOf(item: unknown, list: Field): Element {
  if (list.listType === "set") return valueElement(item);
  if (!isObject(item)) throw new TopologyError("associative list with keys may not have non-map elements");
  const defaultOf = (key: string) => list.items?.struct?.fields.get(key)?.default;
  return keyElement(sortedKeysOf(list), (key) => getKey(item, key) ?? defaultOf(key) ?? undefined);
}

const sortedKeys = new WeakMap<Field, readonly string[]>();

function sortedKeysOf(list: Field): readonly string[] {
  let keys = sortedKeys.get(list);
  if (keys === undefined) sortedKeys.set(list, keys = (list.listMapKeys ?? []).toSorted());
  return keys;
}

/** Members of a map that count: null is absence. */
export function members(value: Json): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== undefined && member !== null);
}

/** What is applied with a value: its leaves, its lists' elements, its maps' keys, and objects that are empty. */
export function appliedSet(value: Json, definition: Definition): FieldSet {
  return applied(value, rootField(definition))?.below ?? new Map();
}

function applied(value: unknown, field: Field): Entry | undefined {
  const relation = relationOf(field);
  const below = new Map<Element, Entry>();
  if ((relation === "struct" || relation === "map") && isObject(value)) {
    for (const [key, member] of members(value)) {
      const type = memberField(field, key, member);
      const inner = applied(member, type);
      const self = inner?.self || relation === "map" || (isObject(member) && members(member).length === 0);
      const made = entry(self, inner?.below);
      if (made !== undefined) below.set(`f:${key}`, made);
    }
    return entry(false, below);
  }
  if ((relation === "keyed" || relation === "set") && Array.isArray(value)) {
    for (const item of value) below.set(elementOf(item, field), { ...applied(item, field.items!), self: true });
    return entry(false, below);
  }
  return { self: true };
}

/** Every path of a value, those of its objects and lists themselves included. */
export function allPaths(value: unknown, field: Field): Entry {
  const relation = relationOf(field);
  const below = new Map<Element, Entry>();
  if ((relation === "struct" || relation === "map") && isObject(value)) {
    for (const [key, member] of members(value)) {
      below.set(`f:${key}`, allPaths(member, memberField(field, key, member)));
    }
  } else if ((relation === "keyed" || relation === "set") && Array.isArray(value)) {
    for (const item of value) below.set(elementOf(item, field), allPaths(item, field.items!));
  }
  return entry(true, below)!;
}

/**
 * The set with every named field in it below which it has something: who owns all of a struct's fields owns the struct.
 */
export function withNamedFields(set: FieldSet, field: Field | undefined): FieldSet {
  const result = new Map<Element, Entry>();
  for (const [element, { self, below }] of set) {
    const { type, named } = below === undefined ? { type: undefined, named: false } : belowField(field, element);
    result.set(element, entry(self || named, below && withNamedFields(below, type))!);
  }
  return result;
}

function belowField(field: Field | undefined, element: Element): { type: Field | undefined; named: boolean } {
  if (field === undefined) return { type: undefined, named: false };
  if (!element.startsWith("f:")) return { type: field.items, named: false };
  if (field.type !== "struct") return { type: field.values, named: false };
  const type = field.struct!.fields.get(element.slice(2));
  return { type, named: type !== undefined };
}

/**
 * Refuses an applied configuration in which an element of a list lacks a key or is there twice. Answers with
 * `.spec.containers: duplicate entries for key [name="a"]`, or undefined when all is well.
 */
export function topologyError(value: unknown, field: Field, path = ""): string | undefined {
  const relation = relationOf(field);
  if ((relation === "struct" || relation === "map") && isObject(value)) {
    for (const [key, member] of members(value)) {
      const error = topologyError(member, memberField(field, key, member), `${path}.${key}`);
      if (error !== undefined) return error;
    }
    return undefined;
  }
  if ((relation !== "keyed" && relation !== "set") || !Array.isArray(value)) return undefined;
  const seen = new Set<Element>();
  for (const [i, item] of value.entries()) {
    const missing = missingKey(item, field);
    if (missing !== undefined) return `${path}: element ${i}: ${missing}`;
    const element = elementOf(item, field);
    if (seen.has(element)) return `${path}: duplicate entries for key ${elementText(element)}`;
    seen.add(element);
    const error = topologyError(item, field.items!, `${path}${elementText(element)}`);
    if (error !== undefined) return error;
  }
  return undefined;
}

function elementText(element: Element): string {
  if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
  const keys = Object.entries(JSON.parse(element.slice(2)));
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
}

function missingKey(item: unknown, list: Field): string | undefined {
  if (list.listType === "set") return undefined;
  if (!isObject(item)) return "associative list with keys may not have non-map elements";
  const keys = list.listMapKeys ?? [];
  const given = keys.filter((key) => getKey(item, key) !== undefined);
  for (const key of keys) {
    const type = list.items?.struct?.fields.get(key);
    if (given.includes(key) || type?.default !== undefined) continue;
    // ServiceAccount.secrets and the like: a key that may be left out, as long as one is given.
    if (type?.required === false && given.length > 0) continue;
    return `associative list with keys has an element that omits key field ${
      JSON.stringify(key)
    } (and doesn't have default value)`;
  }
  return undefined;
}
