/**
 * Lists as text, item by item, so that one of any length can be sent while others have their turns: JSON as it is stored, JSON written
 * for people, YAML.
 */
import { stringify } from "yaml";
import type { Pieces } from "./stream.ts";

/** JSON of a list in parts: `head` ends with the `[` of its items, the tail is `]}`. */
export interface ListText {
  readonly head: string;
  /** JSON of each. */
  readonly items: Iterable<Uint8Array | string>;
}

const tail = "]}";
const decoder = new TextDecoder();
const textOf = (item: Uint8Array | string) => typeof item === "string" ? item : decoder.decode(item);

export function* jsonList({ head, items }: ListText): Pieces {
  yield head;
  let separator = "";
  for (const item of items) {
    if (separator !== "") yield separator;
    separator = ",";
    yield item;
  }
  yield tail;
}

/** As JSON.stringify() with two spaces writes the whole. */
export function* prettyList({ head, items }: ListText): Pieces {
  const empty = JSON.stringify(JSON.parse(head + tail), null, 2);
  yield empty.slice(0, -"]\n}".length);
  let before = "\n    ";
  for (const item of items) {
    yield before + JSON.stringify(JSON.parse(textOf(item)), null, 2).replaceAll("\n", "\n    ");
    before = ",\n    ";
  }
  yield before === "\n    " ? "]\n}\n" : "\n  ]\n}\n";
}

/** As sigs.k8s.io/yaml writes the whole: items are not indented; what it is stands first. */
export function* yamlList({ head, items }: ListText): Pieces {
  const { [lastKey(head)]: _, apiVersion, kind, ...list } = JSON.parse(head + tail);
  yield stringify({ apiVersion, kind, ...list });
  let any = false;
  for (const item of items) {
    if (!any) yield `${lastKey(head)}:\n`;
    any = true;
    yield stringify([JSON.parse(textOf(item))]);
  }
  if (!any) yield `${lastKey(head)}: []\n`;
}

/** Of the list of items: `items`, `rows`. */
function lastKey(head: string): string {
  return /"(\w+)":\[$/.exec(head)![1]!;
}
