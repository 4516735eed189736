/** What is different between two states of an object, as sets of paths (typed.Compare of structured-merge-diff). Pure. */
import { deepEqual, getKey, isObject, type Json } from "../patch/equal.ts";
import type { Definition, Field } from "../schema/schema.ts";
import { type Element, emptySet, type Entry, entry, type FieldSet, recursiveDifference, union } from "./fieldset.ts";
import { allPaths, elementOf, memberField, relationOf, rootField } from "./types.ts";

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What changed, without what is ignored. */
export function compare(before: Json, after: Json, definition: Definition, ignored: FieldSet = emptySet): Comparison {
  const { added, modified, removed } = diff(before, after, rootField(definition));
  const below = (of: Entry | undefined) => recursiveDifference(of?.below ?? emptySet, ignored);
  return { added: below(added), modified: below(modified), removed: below(removed) };
}

/** All that was added or changed. */
export const changed = (c: Comparison): FieldSet => union(c.added, c.modified);

interface Diff {
  added?: Entry;
  modified?: Entry;
  removed?: Entry;
}

const same: Diff = {};

function diff(before: unknown, after: unknown, field: Field): Diff {
  if (before === after) return same;
  if (before === undefined || before === null) {
    return after === undefined || after === null ? same : { added: allPaths(after, field) };
  }
  if (after === undefined || after === null) return { removed: allPaths(before, field) };
  const relation = relationOf(field);
  if ((relation === "struct" || relation === "map") && isObject(before) && isObject(after)) {
    return diffMembers(before, after, field);
  }
  if ((relation === "keyed" || relation === "set") && Array.isArray(before) && Array.isArray(after)) {
    return diffElements(before, after, field);
  }
  return deepEqual(before, after) ? same : { modified: { self: true } };
}

/** Puts together what was found of an object's parts. */
class Parts {
  readonly added = new Map<Element, Entry>();
  readonly modified = new Map<Element, Entry>();
  readonly removed = new Map<Element, Entry>();

  put(element: Element, part: Diff): void {
    if (part === same) return;
    if (part.added !== undefined) this.added.set(element, part.added);
    if (part.modified !== undefined) this.modified.set(element, part.modified);
    if (part.removed !== undefined) this.removed.set(element, part.removed);
  }

  whole(): Diff {
    if (this.added.size === 0 && this.modified.size === 0 && this.removed.size === 0) return same;
    return {
      added: entry(false, this.added),
      modified: entry(false, this.modified),
      removed: entry(false, this.removed),
    };
  }
}

const absent = (value: unknown) => value === undefined || value === null;

function diffMembers(before: Json, after: Json, field: Field): Diff {
  let parts: Parts | undefined;
  const put = (key: string, part: Diff) => {
    if (part !== same) (parts ??= new Parts()).put(`f:${key}`, part);
  };
  for (const key in before) {
    const value = before[key];
    const other = getKey(after, key);
    if (value !== other && !absent(value)) put(key, diff(value, other, memberField(field, key, other ?? value)));
  }
  for (const key in after) {
    const value = after[key];
    if (!absent(value) && absent(getKey(before, key))) {
      put(key, { added: allPaths(value, memberField(field, key, value)) });
    }
  }
  return parts?.whole() ?? same;
}

function diffElements(before: readonly unknown[], after: readonly unknown[], field: Field): Diff {
  // Most lists have not changed, and telling their elements apart is what takes time.
  if (deepEqual(before, after)) return same;
  const [old, now] = [byElement(before, field), byElement(after, field)];
  const items = field.items!;
  const parts = new Parts();
  for (const [element, olds] of old) {
    const news = now.get(element);
    if (news === undefined) parts.put(element, { removed: allPaths(olds[0], items) });
    else if (olds.length === 1 && news.length === 1) parts.put(element, diff(olds[0], news[0], items));
    // Elements that are there more than once can only be compared as a whole.
    else if (!deepEqual(olds, news)) parts.put(element, { modified: { self: true } });
  }
  for (const [element, news] of now) if (!old.has(element)) parts.put(element, { added: allPaths(news[0], items) });
  return parts.whole();
}

export function byElement(list: readonly unknown[], field: Field): Map<Element, unknown[]> {
  const found = new Map<Element, unknown[]>();
  for (const item of list) {
    const element = elementOf(item, field);
    const known = found.get(element);
    if (known === undefined) found.set(element, [item]);
    else known.push(item);
  }
  return found;
}
