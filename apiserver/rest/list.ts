/** LIST: one snapshot, selected and paged. */
import { turnCharacters } from "../../lib/limits.ts";
import { nextTurn } from "../../lib/seams/turn.ts";
import { StatusError, statusError } from "../../lib/status.ts";
import { type Entry, Expired, type Snapshot } from "../cache/cache.ts";
import { answerList, type ListMeta } from "./answer.ts";
import { cacheOf, type Call } from "./call.ts";
import { type Continue, decodeContinue, encodeContinue } from "./continue_token.ts";
import { negotiate } from "./negotiate.ts";
import { type ListOptions, listOptions } from "./options.ts";
import { reach } from "./read.ts";
import { type Selection, selectionOf } from "./selection.ts";
import { viewOf } from "./view.ts";

export interface Page {
  metadata: ListMeta;
  /** In the resource's own version. */
  entries: Entry[];
}

export async function list(call: Call): Promise<Response> {
  const accepted = negotiate(call.request, call.query, "list");
  const page = await readPage(call, listOptions(call.query));
  return await answerList(call.request, call.resource, page, { accepted, now: call.core.clock.now() });
}

/** The part of the collection that the options ask for. */
export async function readPage(call: Call, options: ListOptions): Promise<Page> {
  const selection = selectionOf(call.resource, call.namespace, options.labels, options.fields);
  const token = options.continue === "" ? undefined : decodeContinue(options.continue);
  const snapshot = token === undefined ? await snapshotFor(call, options) : await continued(call, token);
  const candidates = candidatesOf(snapshot, selection);
  refuseUnreadable(call, candidates);
  const from = token === undefined ? 0 : firstAfter(candidates, token.after);
  const limit = options.limit === 0 ? Infinity : options.limit;
  const { entries, next } = await select(candidates, selection, { from, limit });
  const metadata: ListMeta = { resourceVersion: String(snapshot.revision) };
  const last = entries.at(-1);
  if (next < candidates.length && last !== undefined) {
    metadata.continue = encodeContinue({
      revision: snapshot.revision,
      after: last.key,
      epoch: call.core.store.epoch,
    });
    // With a selector nobody has looked yet how many of the rest match.
    if (!selection.selective) metadata.remainingItemCount = candidates.length - next;
  }
  return { metadata, entries: entries.map((entry) => viewOf(call.resource, entry)) };
}

/** Before anything is sent: a list without the objects that can't be read would be taken for all there is. */
function refuseUnreadable(call: Call, candidates: readonly Entry[]): void {
  if (cacheOf(call).unreadable.size === 0) return;
  const error = candidates.find(({ unreadable }) => unreadable !== undefined)?.unreadable;
  if (error !== undefined) throw error;
}

function candidatesOf(snapshot: Snapshot, selection: Selection): readonly Entry[] {
  if (selection.key === undefined) return snapshot.entries(selection.namespace);
  const only = snapshot.get(selection.key);
  return only === undefined ? [] : [only];
}

/** The table of resourceVersion × resourceVersionMatch × limit in Kubernetes' API concepts. */
async function snapshotFor(call: Call, options: ListOptions): Promise<Snapshot> {
  const { cache } = call.core;
  const { resourceVersion: revision, match } = options;
  if (revision === undefined) await cache.fresh();
  if (revision === undefined || revision === 0) return cacheOf(call).snapshot();
  await reach(cache, revision);
  // A page of a given revision was exact before resourceVersionMatch existed, and still is.
  const exact = match === "Exact" || (match === undefined && options.limit > 0);
  if (!exact) return cacheOf(call).snapshot();
  try {
    return cacheOf(call).snapshot(revision);
  } catch (error) {
    if (!(error instanceof Expired)) throw error;
    throw statusError("Expired", "The resourceVersion for the provided list is too old.");
  }
}

async function continued(call: Call, token: Continue): Promise<Snapshot> {
  if (token.revision === "latest") {
    await call.core.cache.fresh();
    return cacheOf(call).snapshot();
  }
  if (token.epoch !== call.core.store.epoch) throw expiredToken(call, token);
  await reach(call.core.cache, token.revision);
  try {
    return cacheOf(call).snapshot(token.revision);
  } catch (error) {
    if (error instanceof Expired) throw expiredToken(call, token);
    throw error;
  }
}

/** 410 with a token in metadata.continue that goes on from the same key, in what is there then. */
function expiredToken(call: Call, token: Continue): StatusError {
  const message = "The provided continue parameter is too old to display a consistent list result. You can start a " +
    "new list without the continue parameter, or use the continue token in this response to retrieve the remainder " +
    "of the results. Continuing with the provided token results in an inconsistent list - objects that were " +
    "created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
  const { status } = statusError("Expired", message);
  const fresh = encodeContinue({ revision: "latest", after: token.after, epoch: call.core.store.epoch });
  return new StatusError({ ...status, metadata: { continue: fresh } });
}

/** Index of the first entry whose key is greater; the entries are sorted. */
function firstAfter(entries: readonly Entry[], key: string): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle]!.key <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Up to `limit` matching entries from an index on, and where the first one that may come after them stands. */
async function select(
  candidates: readonly Entry[],
  selection: Selection,
  range: { from: number; limit: number },
): Promise<{ entries: Entry[]; next: number }> {
  const { from, limit } = range;
  if (selection.everything) {
    const to = Math.min(candidates.length, from + limit);
    return { entries: candidates.slice(from, to), next: to };
  }
  const entries: Entry[] = [];
  let characters = 0;
  for (let i = from; i < candidates.length; i++) {
    const entry = candidates[i]!;
    if (selection.matches(entry)) {
      if (entries.length === limit) return { entries, next: i };
      entries.push(entry);
    }
    characters += entry.length;
    if (characters > turnCharacters) {
      characters = 0;
      await nextTurn();
    }
  }
  return { entries, next: candidates.length };
}
