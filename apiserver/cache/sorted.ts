/**
 * Arrays of entries sorted by key, never changed once made: snapshots share them.
 * Order is that of UTF-16 code units, which for API names (ASCII) is the byte order in which etcd lists.
 */
import type { Entry } from "./cache.ts";

/** The first index whose key is not less than `key`. */
export function indexOf(sorted: readonly Entry[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function find(sorted: readonly Entry[], key: string): Entry | undefined {
  const entry = sorted[indexOf(sorted, key)];
  return entry?.key === key ? entry : undefined;
}

/** Those of a namespace: keys that begin with `namespace/`. "0" is the character after "/". */
export function inNamespace(sorted: readonly Entry[], namespace: string): readonly Entry[] {
  return sorted.slice(indexOf(sorted, `${namespace}/`), indexOf(sorted, `${namespace}0`));
}

/** A new array in which these keys have these entries (undefined: none). Costs n copies and m log n comparisons. */
export function withChanges(sorted: readonly Entry[], changes: ReadonlyMap<string, Entry | undefined>): Entry[] {
  const result: Entry[] = [];
  let from = 0;
  for (const key of [...changes.keys()].sort()) {
    const index = indexOf(sorted, key);
    while (from < index) result.push(sorted[from++]!);
    if (sorted[index]?.key === key) from = index + 1;
    const entry = changes.get(key);
    if (entry !== undefined) result.push(entry);
  }
  while (from < sorted.length) result.push(sorted[from++]!);
  return result;
}
