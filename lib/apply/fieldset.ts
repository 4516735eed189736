/**
 * Sets of field paths, and their text form FieldsV1 (`{"f:spec":{"f:replicas":{}}}`), as structured-merge-diff defines
 * them. Sets are values: operations make new ones and share what is the same. Leaves out what fields mean (types.ts).
 */
import { deepEqual, isObject, type Json } from "../patch/equal.ts";

/**
 * One step of a path as FieldsV1 writes it: `f:name` (a field or a map's key), `k:{"name":"web"}` (a list's element by
 * its keys, in the order of their names), `v:"x"` (a set's element by its value), `i:0` (by its place).
 */
export type Element = string;
export type Path = readonly Element[];

export interface Entry {
  /** The path itself is in the set. */
  readonly self: boolean;
  /** What is in the set below the path; never empty. */
  readonly below?: FieldSet;
}

export type FieldSet = ReadonlyMap<Element, Entry>;

export const emptySet: FieldSet = new Map();

/** FieldsV1 that is malformed. */
export class FieldSetError extends Error {
  override name = "FieldSetError";
}

/** An entry, or undefined for one with nothing in it. */
export function entry(self: boolean, below: FieldSet | undefined): Entry | undefined {
  if (below === undefined || below.size === 0) return self ? { self } : undefined;
  return { self, below };
}

/** A set of dotted field names: `fieldSetOf("status", "metadata.labels")`. */
export function fieldSetOf(...paths: string[]): FieldSet {
  let set = emptySet;
  for (const path of paths) {
    const steps = path.split(".").map((name) => `f:${name}`);
    set = union(
      set,
      steps.reduceRight<FieldSet | Entry>(
        (below, step) => new Map([[step, below instanceof Map ? { self: false, below } : below as Entry]]),
        { self: true } as Entry,
      ) as FieldSet,
    );
  }
  return set;
}

export function isEmpty(set: FieldSet): boolean {
  return set.size === 0;
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0) return b;
  if (b.size === 0) return a;
  const result = new Map(a);
  for (const [element, other] of b) {
    const mine = result.get(element);
    if (mine === undefined) result.set(element, other);
    else {
      const below = union(mine.below ?? emptySet, other.below ?? emptySet);
      result.set(element, entry(mine.self || other.self, below)!);
    }
  }
  return result;
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const result = new Map<Element, Entry>();
  for (const [element, mine] of a) {
    const other = b.get(element);
    if (other === undefined) continue;
    const below = mine.below && other.below && intersection(mine.below, other.below);
    const both = entry(mine.self && other.self, below);
    if (both !== undefined) result.set(element, both);
  }
  return result;
}

/** Paths of `a` that are not in `b` themselves; what is below them stays. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0 || b.size === 0) return a;
  const result = new Map<Element, Entry>();
  for (const [element, mine] of a) {
    const other = b.get(element);
    if (other === undefined) {
      result.set(element, mine);
      continue;
    }
    const below = mine.below && other.below ? difference(mine.below, other.below) : mine.below;
    const rest = entry(mine.self && !other.self, below);
    if (rest !== undefined) result.set(element, rest);
  }
  return result;
}

/** Paths of `a` that are neither in `b` nor below a path of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  if (a.size === 0 || b.size === 0) return a;
  const result = new Map<Element, Entry>();
  for (const [element, mine] of a) {
    const other = b.get(element);
    if (other?.self) continue;
    const below = mine.below && other?.below ? recursiveDifference(mine.below, other.below) : mine.below;
    const rest = entry(mine.self, below);
    if (rest !== undefined) result.set(element, rest);
  }
  return result;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  return deepEqual(toFieldsV1(a), toFieldsV1(b));
}

/** Paths with nothing of the set below them, in order. */
export function leaves(set: FieldSet, prefix: Path = []): Path[] {
  const paths: Path[] = [];
  for (const [element, { self, below }] of [...set].sort(byElement)) {
    const path = [...prefix, element];
    if (below !== undefined) paths.push(...leaves(below, path));
    else if (self) paths.push(path);
  }
  return paths;
}

function byElement([a]: readonly [Element, Entry], [b]: readonly [Element, Entry]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** `.spec.template.spec.containers[name="web"].image`, as conflicts are reported. */
export function pathString(path: Path): string {
  return path.map((element) => {
    const text = element.slice(2);
    switch (element[0]) {
      case "f":
        return `.${text}`;
      case "k":
        return `[${
          Object.entries(JSON.parse(text)).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")
        }]`;
      case "v":
        return `[=${text}]`;
      default:
        return `[${text}]`;
    }
  }).join("");
}

/** The element of a list that has these keys. `names` are in order; one without a value is left out. */
export function keyElement(names: readonly string[], valueOf: (name: string) => unknown): Element {
  let text = "";
  for (const name of names) {
    const value = valueOf(name);
    if (value !== undefined) text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return `k:{${text}}`;
}

export function valueElement(value: unknown): Element {
  return `v:${JSON.stringify(value)}`;
}

/** FieldsV1. `.` stands for the path itself where there is more below it. */
export function toFieldsV1(set: FieldSet): Json {
  return addFieldsV1(set, {});
}

function addFieldsV1(set: FieldSet, json: Json): Json {
  const elements = [...set.keys()];
  if (elements.length > 1) elements.sort();
  for (const element of elements) {
    const { self, below } = set.get(element)!;
    if (below === undefined) json[element] = {};
    else json[element] = addFieldsV1(below, self ? { ".": {} } : {});
  }
  return json;
}

/** The inverse of toFieldsV1(). Throws FieldSetError. */
export function fromFieldsV1(json: unknown, depth = 0): FieldSet {
  if (!isObject(json)) throw new FieldSetError("FieldsV1: expected an object");
  if (depth > 100) throw new FieldSetError("FieldsV1: nested too deeply");
  const set = new Map<Element, Entry>();
  for (const key in json) {
    if (key === ".") continue;
    const value = json[key];
    if (!isObject(value)) throw new FieldSetError(`FieldsV1: expected an object at ${JSON.stringify(key)}`);
    const element = key.startsWith("f:") ? key : canonical(key);
    // A member is {}, or has "." beside what is below it.
    const made = hasKeys(value) ? entry(Object.hasOwn(value, "."), fromFieldsV1(value, depth + 1)) : member;
    if (made !== undefined) set.set(element, made);
  }
  return set;
}

const member: Entry = { self: true };

function hasKeys(object: Json): boolean {
  for (const _ in object) return true;
  return false;
}

/** One string key, or a string, without escapes: nearly every element there is, and in canonical form. */
const plain = /^(?:k:\{"[^"\\]*":"[^"\\]*"\}|v:"[^"\\]*")$/;

function canonical(key: string): Element {
  if (plain.test(key)) return key;
  const text = key.slice(2);
  if (key[1] === ":") {
    if (key[0] === "i" && /^-?\d+$/.test(text)) return key;
    try {
      if (key[0] === "v") return valueElement(JSON.parse(text));
      const keys = key[0] === "k" ? JSON.parse(text) : undefined;
      if (isObject(keys)) return keyElement(Object.keys(keys).sort(), (name) => keys[name]);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  throw new FieldSetError(`FieldsV1: invalid path element ${JSON.stringify(key)}`);
}
