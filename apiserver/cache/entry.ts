/** An object of the cache: its text, and what is made of it at first use. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Revision } from "../storage/store.ts";
import type { Entry } from "./cache.ts";

const encoder = new TextEncoder();

export class StoredEntry implements Entry {
  #bytes: Uint8Array | undefined;
  #object: KubeObject | undefined;

  constructor(readonly key: string, readonly revision: Revision, readonly text: string) {}

  get bytes(): Uint8Array {
    return this.#bytes ??= encoder.encode(this.text);
  }

  get object(): KubeObject {
    return this.#object ??= JSON.parse(this.text);
  }
}
