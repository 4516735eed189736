/** An applied configuration merged into an object, and paths removed from one (typed.Merge, typed.RemoveItems). Pure. */
import { getKey, isObject, type Json, setKey } from "../patch/equal.ts";
import type { Definition, Field } from "../schema/schema.ts";
import { type Element, type FieldSet } from "./fieldset.ts";
import { byElement } from "./compare.ts";
import { elementOf, memberField, members, relationOf, rootField } from "./types.ts";

/** The object with the configuration merged into it. The configuration's elements have been checked to be distinct. */
export function merge(live: Json, config: Json, definition: Definition): Json {
  return mergeValue(live, config, rootField(definition)) as Json;
}

function mergeValue(live: unknown, config: unknown, field: Field): unknown {
  if (config === undefined || config === null) return live;
  if (live === undefined || live === null) return config;
  const relation = relationOf(field);
  if ((relation === "struct" || relation === "map") && isObject(live) && isObject(config)) {
    const result = { ...live };
    for (const [key, value] of members(config)) {
      setKey(result, key, mergeValue(getKey(live, key), value, memberField(field, key, value)));
    }
    return result;
  }
  if ((relation === "keyed" || relation === "set") && Array.isArray(live) && Array.isArray(config)) {
    return mergeLists(live, config, field);
  }
  return config;
}

/**
 * Elements of both keep the configuration's order; those of the live list alone stay where they are in relation to
 * their neighbours (mergingWalker.visitListItems).
 */
function mergeLists(live: readonly unknown[], config: readonly unknown[], field: Field): unknown[] {
  const liveKeys = live.map((item) => elementOf(item, field));
  const configKeys = config.map((item) => elementOf(item, field));
  const lives = byElement(live, field);
  const configs = byElement(config, field);
  const shared = configKeys.filter((key) => lives.has(key));
  const mergedKeys = new Set<Element>();
  const out: unknown[] = [];
  const take = (key: Element) => {
    mergedKeys.add(key);
    const olds = lives.get(key);
    // Of an element that the live list has twice nothing is kept: the configuration says what there is.
    const old = olds?.length === 1 ? olds[0] : undefined;
    out.push(mergeValue(old, configs.get(key)![0], field.items!));
  };
  let [l, c, nextShared] = [0, 0, 0];
  while (l < live.length || c < config.length) {
    if (l < live.length && c < config.length) {
      const key = liveKeys[l]!;
      if (key === configKeys[c]) {
        take(key);
        l++;
        c++;
        nextShared++;
        continue;
      }
      // Shared, but not the one whose turn it is.
      if (configs.has(key) && nextShared < shared.length && shared[nextShared] !== key) {
        l++;
        continue;
      }
    }
    if (l < live.length) {
      const key = liveKeys[l]!;
      if (!configs.has(key)) {
        out.push(live[l]);
        l++;
        continue;
      }
      if (mergedKeys.has(key)) l++;
    }
    if (c < config.length) {
      const key = configKeys[c]!;
      take(key);
      c++;
      if (shared[nextShared] === key) nextShared++;
    }
  }
  return out;
}

/** The object without these paths; what becomes empty by that goes, too. */
export function removeItems(object: Json, paths: FieldSet, definition: Definition): Json {
  return (remove(object, paths, rootField(definition)) ?? {}) as Json;
}

function remove(value: unknown, paths: FieldSet, field: Field): unknown {
  const relation = relationOf(field);
  if ((relation === "struct" || relation === "map") && isObject(value)) {
    const rest: Json = {};
    for (const [key, member] of members(value)) {
      const found = paths.get(`f:${key}`);
      if (found?.self) continue;
      const kept = found?.below === undefined ? member : remove(member, found.below, memberField(field, key, member));
      if (kept !== undefined) setKey(rest, key, kept);
    }
    return Object.keys(rest).length === 0 ? undefined : rest;
  }
  if ((relation === "keyed" || relation === "set") && Array.isArray(value)) {
    const rest: unknown[] = [];
    for (const item of value) {
      const found = paths.get(elementOf(item, field));
      if (found?.self) continue;
      const kept = found?.below === undefined ? item : remove(item, found.below, field.items!);
      if (kept !== undefined) rest.push(kept);
    }
    return rest.length === 0 ? undefined : rest;
  }
  return value;
}
