/** An object of the cache: its text, and what is made of it at first use. */
import type { KubeObject } from "../../lib/kind.ts";
import { cacheParsedCharactersMax } from "../../lib/limits.ts";
import type { Revision } from "../storage/store.ts";
import type { Entry, Traits } from "./cache.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class StoredEntry implements Entry {
  readonly length: number;
  traits: Traits | undefined = undefined;
  /** The text, until somebody wants bytes: most are sent, and two forms would take twice the memory. */
  #form: string | Uint8Array;
  #object: KubeObject | undefined;

  constructor(readonly key: string, readonly revision: Revision, text: string) {
    this.#form = text;
    this.length = text.length;
  }

  get text(): string {
    return typeof this.#form === "string" ? this.#form : decoder.decode(this.#form);
  }

  get bytes(): Uint8Array {
    if (typeof this.#form === "string") this.#form = encoder.encode(this.#form);
    return this.#form;
  }

  get object(): KubeObject {
    if (this.#object === undefined) {
      this.#object = JSON.parse(this.text) as KubeObject;
      parsed.keep(this);
    }
    return this.#object;
  }

  /** Lets go of the parsed object; who has it keeps it. */
  forgetObject(): void {
    this.#object = undefined;
  }
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
