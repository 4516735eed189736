/**
 * Who creates an object owns all of it: the FieldsV1 of that, written straight from the object. It is what comparing with the zero object
 * comes to (compare.ts), at a quarter of the work: creates are what a server does most. Pure.
 */
import { deepEqual, getKey, isObject, type Json } from "../patch/equal.ts";
import type { Definition, Field } from "../schema/schema.ts";
import { type Element, emptySet, type FieldSet, fieldSetOf } from "./fieldset.ts";
import { elementOf, memberField, relationOf, rootField } from "./types.ts";
import { zeroObject } from "./zero.ts";

/** Fields that nobody owns: they identify the object, or are the server's. */
export const stripped = fieldSetOf(
  "apiVersion",
  "kind",
  "metadata",
  ...[
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
  ]
    .map((name) => `metadata.${name}`),
);

/** What is left out: `ignored` with all that is below it, `stripped` itself. */
interface Without {
  readonly ignored: FieldSet;
  readonly stripped: FieldSet;
}

const nothing: Without = { ignored: emptySet, stripped: emptySet };

/** The fields of a new object, `{}` when nobody owns any. Throws TopologyError. */
export function createdFields(object: Json, definition: Definition, ignored: FieldSet = emptySet): Json {
  return members(object, zeroObject(definition), rootField(definition), { ignored, stripped }) ?? {};
}

const absent = (value: unknown) => value === undefined || value === null;

/** Paths below a struct or a map; undefined for none. `zero` is what was there before. */
function members(value: Json, zero: Json, field: Field, without: Without, self = false): Json | undefined {
  const keys = Object.keys(value);
  if (keys.length > 1) keys.sort();
  let json: Json | undefined = self ? {} : undefined;
  let any = false;
  for (const key of keys) {
    const member = value[key];
    if (absent(member)) continue;
    const element = field.struct?.fields.has(key) ? nameOf(key) : `f:${key}`;
    const inner = below(without, element);
    if (inner === undefined) continue;
    const made = changed(member, getKey(zero, key), memberField(field, key, member), {
      without: inner,
      self: without === nothing || !without.stripped.get(element)?.self,
    });
    if (made === undefined) continue;
    json ??= {};
    if (!any && self) json["."] = {};
    any = true;
    json[element] = made;
  }
  return json;
}

function elements(list: readonly unknown[], field: Field, self: boolean): Json | undefined {
  const items = new Map<Element, unknown>();
  for (const item of list) {
    const element = elementOf(item, field);
    // Of those that are there more than once, comparing takes the first where there was a list before.
    if (self || !items.has(element)) items.set(element, item);
  }
  const sorted = [...items.keys()];
  if (sorted.length > 1) sorted.sort();
  if (sorted.length === 0) return self ? {} : undefined;
  const json: Json = self ? { ".": {} } : {};
  for (const element of sorted) {
    json[element] = changed(items.get(element), undefined, field.items!, { without: nothing, self: true });
  }
  return json;
}

/** The paths of a value that is there now, and of which `before` was. `self`: its own path counts if it is new. */
function changed(
  value: unknown,
  before: unknown,
  field: Field,
  { without, self }: { without: Without; self: boolean },
): Json | undefined {
  const relation = relationOf(field);
  const isNew = absent(before);
  if ((relation === "struct" || relation === "map") && isObject(value) && (isNew || isObject(before))) {
    return members(value, isNew ? none : before as Json, field, without, isNew && self);
  }
  if ((relation === "keyed" || relation === "set") && Array.isArray(value) && (isNew || Array.isArray(before))) {
    return elements(value, field, isNew);
  }
  return self && (isNew || !deepEqual(before, value)) ? {} : undefined;
}

const none: Json = {};

/** What is left out below an element; undefined when all of it is. */
function below(without: Without, element: Element): Without | undefined {
  if (without === nothing) return nothing;
  const ignored = without.ignored.get(element);
  if (ignored?.self) return undefined;
  const off = without.stripped.get(element);
  if (ignored?.below === undefined && off?.below === undefined) return nothing;
  return { ignored: ignored?.below ?? emptySet, stripped: off?.below ?? emptySet };
}

/** As many as schemas have fields. */
const names = new Map<string, Element>();

function nameOf(key: string): Element {
  let name = names.get(key);
  if (name === undefined) names.set(key, name = `f:${key}`);
  return name;
}
