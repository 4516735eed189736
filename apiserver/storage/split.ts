/** Between the wire form of what is stored and rows: `<revision>\n<text>`, so that a revision is read without parsing. */
import type { Opened, Revision, Row, Seal, Split } from "./store.ts";

export type { Opened };

/** What is stored of a text, and the way in which. */
export interface Sealed extends Split {
  readonly seal?: Seal;
}

/**
 * What happens to a value between the API server and the store: the place for encryption at rest.
 * `seal` is called before a write, when the revision is not known yet; `open` gets back head + revision + tail.
 * Both are synchronous (node:crypto is), so that writes are sent in the order of their calls.
 */
export interface Codec {
  seal(resource: string, key: string, value: Split): Sealed;
  /** Does not throw for what it can't read: that is one object's trouble, and must not keep others from being read. */
  open(resource: string, key: string, stored: string, revision: Revision): Opened;
}

/** Stores the text as it is. */
export const plain: Codec = { seal: (_resource, _key, value) => value, open: (_resource, _key, value) => ({ value }) };

/** The complete text of a value at a revision. */
export function fill(value: Split, revision: Revision): string {
  return value.head + revision + value.tail;
}

/** A stored hash field as a row. Throws if it is not one: somebody else wrote it. */
export function parseRow(codec: Codec, resource: string, key: string, stored: string): Row {
  const newline = stored.indexOf("\n");
  const revision = Number(stored.slice(0, newline));
  if (newline < 1 || !Number.isSafeInteger(revision)) {
    throw new Error(`${resource} ${key}: what is stored does not begin with a revision and a line end`);
  }
  return { key, revision, ...codec.open(resource, key, stored.slice(newline + 1), revision) };
}
