/**
 * The order of a merged list, as strategic merge patch keeps it: what the patch names follows the patch's order, what
 * only the server has follows the server's, and the two are interleaved by where they were in the server's list.
 */

interface Orders {
  /** The patch's list, or its $setElementOrder. */
  readonly patch: readonly unknown[];
  /** The list as it was. */
  readonly server: readonly unknown[];
  /** What tells elements apart. */
  readonly keyOf: (item: unknown) => unknown;
}

export function mergeOrder(merged: readonly unknown[], { patch, server, keyOf }: Orders): unknown[] {
  const patchPlaces = places(patch, keyOf);
  const serverPlaces = places(server, keyOf);
  const placeIn = (known: Map<unknown, number>, item: unknown) => known.get(keyOf(item));
  const named = merged.filter((item) => patchPlaces.has(keyOf(item)));
  const serverOnly = merged.filter((item) => !patchPlaces.has(keyOf(item)));
  sortBy(named, (item) => placeIn(patchPlaces, item));
  sortBy(serverOnly, (item) => placeIn(serverPlaces, item));

  const result: unknown[] = [];
  let [i, j] = [0, 0];
  while (i < serverOnly.length && j < named.length) {
    const left = placeIn(serverPlaces, serverOnly[i]);
    const right = placeIn(serverPlaces, named[j]);
    if (left !== undefined && right !== undefined && left < right) result.push(serverOnly[i++]);
    else result.push(named[j++]);
  }
  return [...result, ...named.slice(j), ...serverOnly.slice(i)];
}

/** First places by key. */
function places(list: readonly unknown[], keyOf: (item: unknown) => unknown): Map<unknown, number> {
  const found = new Map<unknown, number>();
  list.forEach((item, i) => {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, i);
  });
  return found;
}

/** Stable; elements without a place stay behind those that have one. */
function sortBy(list: unknown[], placeOf: (item: unknown) => number | undefined): void {
  list.sort((a, b) => (placeOf(a) ?? Infinity) - (placeOf(b) ?? Infinity) || 0);
}
