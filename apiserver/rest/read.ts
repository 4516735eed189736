/** What revision a read is of: the rules that get, list and watch share. */
import type { Cache } from "../cache/cache.ts";
import { tooLarge } from "./status_answer.ts";

/** Resolves when the cache has the revision. Throws Timeout ("Too large resource version") when nobody wrote it yet. */
export async function reach(cache: Cache, revision: number): Promise<void> {
  if (revision <= cache.revision) return;
  // The store knows at once whether there is such a revision: no need to wait for one that may never come.
  const latest = await cache.fresh();
  if (revision > latest && revision > cache.revision) throw tooLarge(revision, latest);
}

/** For a single object: latest (not given), at hand (0), or not older than. */
export async function readyFor(cache: Cache, revision: number | undefined): Promise<void> {
  if (revision === undefined) await cache.fresh();
  else if (revision > 0) await reach(cache, revision);
}
