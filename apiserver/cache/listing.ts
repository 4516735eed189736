/** Lists all resources and brings them to one revision. */
import { cacheListsMax, cacheReadChangesMax } from "../../lib/limits.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Revision, Row, Store } from "../storage/store.ts";
import { ResourceState } from "./state.ts";
import type { WindowLimits } from "./window.ts";

export interface Listing {
  readonly revision: Revision;
  readonly states: ReadonlyMap<string, ResourceState>;
}

/**
 * Each list is a snapshot, but they are made one after another: the history between the first and the last brings all to
 * the same revision. undefined if that part of the history was gone before it was read: try again.
 */
export async function listAll(
  store: Store,
  resources: readonly string[],
  options: { readonly limits: WindowLimits; readonly now: () => Instant },
): Promise<Listing | undefined> {
  const epoch = store.epoch;
  const lists = await inParallel(resources, cacheListsMax, (resource) => store.list(resource));
  const revisions = lists.map((list) => list.revision);
  // Without any resource there still is a revision to reach.
  if (revisions.length === 0) revisions.push(await store.revision());
  const states = new Map(resources.map((name, i) => [name, new ResourceState(name, lists[i]!, options.limits)]));
  let revision = Math.min(...revisions);
  const target = Math.max(...revisions);
  while (revision < target) {
    const { changes, compacted } = await store.changes(revision, cacheReadChangesMax);
    if (compacted || changes.length === 0) return undefined;
    for (const change of changes) states.get(change.resource)?.apply(change, options.now());
    revision = changes.at(-1)!.revision;
  }
  return store.epoch === epoch ? { revision, states } : undefined;
}

async function inParallel(
  names: readonly string[],
  limit: number,
  list: (name: string) => Promise<{ revision: Revision; rows: Row[] }>,
): Promise<{ revision: Revision; rows: Row[] }[]> {
  const results: { revision: Revision; rows: Row[] }[] = [];
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < names.length; i = next++) results[i] = await list(names[i]!);
  };
  await Promise.all(Array.from({ length: Math.min(limit, names.length) }, worker));
  return results;
}
