/** From what XREAD answers for the three streams to one ordered history. Pure. */
import type { Change, Revision } from "./store.ts";
import type { Codec } from "./split.ts";

/** What XREAD answers: `[[stream, [[id, [field, value, …]], …]], …]`, null when there is nothing. */
export type XReadReply = readonly [string, readonly [string, readonly string[]][]][] | null;

export interface Merged {
  readonly changes: readonly Change[];
  /** A revision between `after` and the last of `changes`, or `revision` if nothing was cut, is in no stream. */
  readonly gap: boolean;
}

/**
 * Merges by revision. A stream that was cut at `count` entries says nothing of what comes after its last one, so the answer
 * ends at the least of these: the other streams' later entries are read again next time.
 */
export function mergeHistories(
  reply: XReadReply,
  asked: { readonly after: Revision; readonly revision: Revision; readonly count: number; readonly codec: Codec },
): Merged {
  const streams = reply ?? [];
  const cuts = streams.filter(([, entries]) => entries.length >= asked.count).map(([, entries]) =>
    idOf(entries.at(-1)!)
  );
  const end = Math.min(asked.revision, ...cuts);
  const changes = streams
    .flatMap(([, entries]) => entries)
    .filter((entry) => idOf(entry) <= end)
    .map((entry) => parseChange(entry, asked.codec))
    .sort((a, b) => a.revision - b.revision);
  // Revisions are distinct, so the count tells whether one is missing.
  const gap = changes.length !== end - asked.after || (changes.at(-1)?.revision ?? asked.after) !== end;
  return { changes, gap };
}

function idOf([id]: readonly [string, readonly string[]]): Revision {
  return Number(id.slice(0, id.indexOf("-")));
}

function parseChange(entry: readonly [string, readonly string[]], codec: Codec): Change {
  const fields = entry[1];
  const revision = idOf(entry);
  // The order in which scripts/write.lua adds them: t type, r resource, k key, v value.
  const [, type, , resource, , key, , stored] = fields;
  if (fields.length !== 8 || (type !== "put" && type !== "delete")) {
    throw new Error(`history entry ${entry[0]} is not one of ours: ${fields.filter((_, i) => i % 2 === 0).join(", ")}`);
  }
  return { type, resource: resource!, key: key!, revision, ...codec.open(resource!, key!, stored!, revision) };
}
