/**
 * An object's JSON text, built so that the place of its revision is known by construction: metadata.resourceVersion is always
 * the first field of metadata, and metadata the third of the object. No text is ever searched for a marker.
 */
import type { KubeObject } from "../../lib/kind.ts";
import type { Entry } from "../cache/cache.ts";
import type { Revision, Row, Seal, Split, Unreadable } from "../storage/store.ts";

/** What stands before the revision. */
export function headOf(object: { apiVersion: string; kind: string }): string {
  const { apiVersion, kind } = object;
  return `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":{"resourceVersion":"`;
}

/** The text of an object, whatever its resourceVersion, in two parts between which its revision goes. */
export function splitObject(object: KubeObject): Split {
  const { apiVersion: _, kind: __, metadata, ...rest } = object;
  const { resourceVersion: ___, ...others } = metadata;
  const meta = JSON.stringify(others);
  const body = JSON.stringify(rest);
  const afterMeta = body === "{}" ? "}" : `,${body.slice(1)}`;
  return { head: headOf(object), tail: `"${meta === "{}" ? "}" : `,${meta.slice(1)}`}${afterMeta}` };
}

/** The parts of a text that was made by splitObject(): nothing is encoded again. */
export function splitText(entry: Pick<Entry, "text" | "revision" | "object">): Split {
  const head = headOf(entry.object);
  return { head, tail: entry.text.slice(head.length + String(entry.revision).length) };
}

/** The text of the entry as of another revision: the last state of what was deleted, as its deletion tells it. */
export function textAt(entry: Pick<Entry, "text" | "revision" | "object">, revision: Revision): string {
  const { head, tail } = splitText(entry);
  return head + revision + tail;
}

const encoder = new TextEncoder();

/** An object that does not come from the cache: read from the store, or just written. */
export class Item implements Entry {
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #object: KubeObject | undefined;
  readonly #text: string | Unreadable;

  constructor(
    readonly key: string,
    readonly revision: Revision,
    text: string | Unreadable,
    object?: KubeObject,
    readonly seal?: Seal,
  ) {
    this.#text = text;
    this.#object = object;
  }

  static fromRow({ key, revision, value, seal, unreadable }: Row): Item {
    return new Item(key, revision, unreadable ?? value, undefined, seal);
  }

  get text(): string {
    if (typeof this.#text === "string") return this.#text;
    throw this.#text;
  }

  get length(): number {
    return this.text.length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes ??= encoder.encode(this.text);
  }

  get object(): KubeObject {
    return this.#object ??= JSON.parse(this.text) as KubeObject;
  }
}
