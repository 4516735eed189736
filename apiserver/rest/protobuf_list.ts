/**
 * A list in Kubernetes' protobuf form, item by item: one long message would hold up everybody else while it is made.
 * The list kinds all have their ListMeta as field 1 and their items as field 2.
 */
import { turnCharacters } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { encodeMessage } from "../../lib/schema/protobuf_encode.ts";
import { definition } from "../../lib/schema/schema.ts";
import { nextTurn } from "../../lib/seams/turn.ts";
import type { Entry } from "../cache/cache.ts";
import type { ListMeta } from "./answer.ts";

const encoder = new TextEncoder();
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0);

function varint(value: number): number[] {
  const bytes: number[] = [];
  // Lengths stay below 2^53, but beyond 2^31 shifts would go wrong.
  while (value > 0x7f) {
    bytes.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
  return bytes;
}

/** A length-delimited field's start. */
const start = (tag: number, length: number) => Uint8Array.of((tag << 3) | 2, ...varint(length));

function field(tag: number, bytes: Uint8Array): Uint8Array {
  const head = start(tag, bytes.length);
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return whole;
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The pieces of the encoded list. `encode` makes an item's message without an envelope. */
export async function protobufList(
  list: { apiVersion: string; kind: string; metadata: ListMeta },
  entries: readonly Entry[],
  encode: (object: KubeObject) => Uint8Array,
): Promise<Uint8Array[]> {
  const meta = encodeMessage(list.metadata, definition("io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"));
  const raw = [field(1, meta)];
  let characters = 0;
  for (const entry of entries) {
    raw.push(field(2, encode(entry.object)));
    characters += entry.length;
    if (characters > turnCharacters / 4) {
      characters = 0;
      await nextTurn();
    }
  }
  const length = raw.reduce((sum, part) => sum + part.length, 0);
  const typeMeta = concat(field(1, encoder.encode(list.apiVersion)), field(2, encoder.encode(list.kind)));
  const empty = new Uint8Array();
  return [magic, field(1, typeMeta), start(2, length), ...raw, field(3, empty), field(4, empty)];
}
