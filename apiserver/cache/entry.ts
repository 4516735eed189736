/** An object of the cache: its text, and what is made of it at first use. */
import type { KubeObject } from "../../lib/kind.ts";
import { cacheParsedCharactersMax } from "../../lib/limits.ts";
import { type Change, type Row, type Seal, Unreadable } from "../storage/store.ts";
import type { Entry, Traits } from "./cache.ts";

/** What is done to an object before everybody shares it. */
let share = <T>(object: T): T => object;

/** For tests, which freeze it: who writes to an object that is shared changes it for all. */
export function onShare(freeze: <T>(object: T) => T): void {
  share = freeze;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class StoredEntry implements Entry {
  readonly length: number;
  traits: Traits | undefined = undefined;
  readonly key: string;
  readonly revision: number;
  readonly seal: Seal | undefined;
  /** The text, until somebody wants bytes: most are sent, and two forms would take twice the memory. */
  #form: string | Uint8Array | Unreadable;
  #object: KubeObject | undefined;

  constructor({ key, revision, value, seal, unreadable, parsed: object }: Row & Pick<Change, "parsed">) {
    this.key = key;
    this.revision = revision;
    this.seal = seal;
    this.#form = unreadable ?? value;
    this.length = value.length;
    if (object === undefined || unreadable !== undefined) return;
    this.#object = share(object as KubeObject);
    parsed.keep(this);
  }

  get unreadable(): Unreadable | undefined {
    return this.#form instanceof Unreadable ? this.#form : undefined;
  }

  get text(): string {
    const form = this.#form;
    return typeof form === "string" ? form : decoder.decode(readable(form));
  }

  get bytes(): Uint8Array {
    if (typeof this.#form === "string") return this.#form = encoder.encode(this.#form);
    return readable(this.#form);
  }

  get object(): KubeObject {
    if (this.#object === undefined) {
      this.#object = share(JSON.parse(this.text) as KubeObject);
      parsed.keep(this);
    }
    return this.#object;
  }

  /** Lets go of the parsed object; who has it keeps it. */
  forgetObject(): void {
    this.#object = undefined;
  }
}

function readable(form: Uint8Array | Unreadable): Uint8Array {
  if (form instanceof Unreadable) throw form;
  return form;
}

/** An object takes five times the memory of its text, and most are parsed for one look: only those parsed last are kept. */
class Parsed {
  readonly #kept: StoredEntry[] = [];
  #first = 0;
  #characters = 0;

  keep(entry: StoredEntry): void {
    this.#kept.push(entry);
    this.#characters += entry.length;
    while (this.#characters > cacheParsedCharactersMax && this.#first < this.#kept.length - 1) {
      const oldest = this.#kept[this.#first++]!;
      this.#characters -= oldest.length;
      oldest.forgetObject();
    }
    // Moves the rest down once half of the list is let go: constant cost per entry.
    if (this.#first > 1024 && this.#first * 2 > this.#kept.length) {
      this.#kept.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

const parsed = new Parsed();
