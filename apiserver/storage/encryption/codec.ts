/**
 * Encryption at rest: what is between the API server and the store. Objects of the resources that the configuration names are
 * stored as `k8s:enc:<cipher>:v1:<key>:<base64>:<revision>`, in the objects and in the history alike; the rest as it is.
 */
import { createHash } from "node:crypto";
import type { Random } from "../../../lib/seams/random.ts";
import type { Codec, Opened, Sealed } from "../split.ts";
import { type Seal, type Split, Unreadable } from "../store.ts";
import { type Cipher, makeCipher } from "./cipher.ts";
import { type EncryptionRule, groupOf, type Provider } from "./configuration.ts";

const mark = "k8s:enc:";

/** One key in use for a resource. */
interface Way {
  /** `k8s:enc:aesgcm:v1:key1:`; "" is for what is stored as it is. */
  readonly prefix: string;
  readonly cipher?: Cipher;
  /** Tells two keys of one name apart. */
  readonly fingerprint: string;
}

const asItIs: Way = { prefix: "", fingerprint: "" };

/** Which way a resource's objects are written, and those in which they may be found. */
interface Ways {
  readonly write: Way;
  readonly read: ReadonlyMap<string, Way>;
}

/** The way in which some object is stored. One for all that are stored alike. */
class StoredWay implements Seal {
  constructor(
    private readonly codec: EncryptingCodec,
    readonly resource: string,
    readonly way: Way,
  ) {}

  get current(): boolean {
    const { write } = this.codec.waysOf(this.resource);
    return write.prefix === this.way.prefix && write.fingerprint === this.way.fingerprint;
  }
}

/** Of which object a text is the state: what its encryption is bound to, as upstream to its key in etcd. */
const aboutOf = (resource: string, key: string) => `/registry/${resource}/${key}`;

export class EncryptingCodec implements Codec {
  readonly #random: Random;
  #rules: readonly EncryptionRule[];
  #ways = new Map<string, Ways>();
  readonly #seals = new Map<string, Map<string, StoredWay>>();

  constructor(rules: readonly EncryptionRule[], random: Random) {
    this.#rules = rules;
    this.#random = random;
  }

  /** From now on by other rules. */
  use(rules: readonly EncryptionRule[]): void {
    this.#rules = rules;
    this.#ways = new Map();
  }

  /** How the objects of a resource are written and read, by the present rules. */
  waysOf(resource: string): Ways {
    let ways = this.#ways.get(resource);
    if (ways === undefined) this.#ways.set(resource, ways = waysFor(resource, this.#rules));
    return ways;
  }

  seal(resource: string, key: string, value: Split): Sealed {
    const way = this.waysOf(resource).write;
    const { prefix, cipher } = way;
    const seal = this.#sealOf(resource, way);
    if (cipher === undefined) return { ...value, seal };
    // The place of the revision, which nobody knows yet, goes with the text.
    const text = `${value.head.length}\n${value.head}${value.tail}`;
    return { head: `${prefix}${cipher.encrypt(text, aboutOf(resource, key), this.#random)}:`, tail: "", seal };
  }

  open(resource: string, key: string, stored: string, revision: number): Opened {
    const { read } = this.waysOf(resource);
    const encrypted = stored.startsWith(mark);
    if (!encrypted && read.has("")) return { value: stored, seal: this.#sealOf(resource, asItIs) };
    const prefix = encrypted ? prefixOf(stored) : "";
    const way = read.get(prefix);
    if (way?.cipher === undefined) return this.#unreadable(resource, key, whyNot(prefix));
    try {
      const text = way.cipher.decrypt(stored.slice(prefix.length, stored.lastIndexOf(":")), aboutOf(resource, key));
      const newline = text.indexOf("\n");
      const place = newline + 1 + Number(text.slice(0, newline));
      const value = text.slice(newline + 1, place) + revision + text.slice(place);
      return { value, seal: this.#sealOf(resource, way) };
    } catch (error) {
      const why = `${keyOf(prefix)} does not decrypt it: ${
        (error as Error).message
      }. Is it another key of the same name?`;
      return this.#unreadable(resource, key, why);
    }
  }

  /** By these rules, could what is stored so still be read? */
  static reads(rules: readonly EncryptionRule[], seal: Seal): boolean {
    if (!(seal instanceof StoredWay)) return true;
    return waysFor(seal.resource, rules).read.get(seal.way.prefix)?.fingerprint === seal.way.fingerprint;
  }

  #unreadable(resource: string, key: string, why: string): Opened {
    return { value: "", unreadable: new Unreadable(`unable to transform key "${aboutOf(resource, key)}": ${why}`) };
  }

  #sealOf(resource: string, way: Way): StoredWay {
    let ofResource = this.#seals.get(resource);
    if (ofResource === undefined) this.#seals.set(resource, ofResource = new Map());
    const id = way.prefix + way.fingerprint;
    let seal = ofResource.get(id);
    if (seal === undefined) ofResource.set(id, seal = new StoredWay(this, resource, way));
    return seal;
  }
}

/** `k8s:enc:aesgcm:v1:key1:` of a stored text; what there is of it when it is none of ours. */
function prefixOf(stored: string): string {
  return /^k8s:enc:[^:]*:[^:]*:[^:]*:/.exec(stored)?.[0] ?? stored.slice(0, mark.length);
}

/** `aesgcm key "key1"`. */
function keyOf(prefix: string): string {
  const [, , cipher = "", , name = ""] = prefix.split(":");
  return `${cipher} key ${JSON.stringify(name)}`;
}

function whyNot(prefix: string): string {
  if (prefix === "") return "it is stored unencrypted, and the encryption configuration has no identity for it";
  return `no matching key was found: it is stored with ${
    keyOf(prefix)
  }, which the encryption configuration does not have`;
}

/** Of a resource as stores name it: `secrets`, `apps/deployments`. The most particular name that has rules decides. */
function waysFor(storage: string, rules: readonly EncryptionRule[]): Ways {
  const [plural, group = ""] = storage.split("/").reverse();
  const name = group === "" ? plural! : `${plural}.${group}`;
  for (const wanted of [name, `*.${groupOf(name)}`, "*.*"]) {
    const matching = rules.filter(({ resources }) => resources.includes(wanted));
    if (matching.length > 0) return waysOfProviders(matching.flatMap(({ providers }) => providers));
  }
  return waysOfProviders([{ name: "identity" }]);
}

function waysOfProviders(providers: readonly Provider[]): Ways {
  const all = providers.flatMap((provider): Way[] => {
    if (provider.name === "identity") return [asItIs];
    return provider.keys.map(({ name, secret }) => ({
      prefix: `${mark}${provider.name}:v1:${name}:`,
      cipher: makeCipher[provider.name](secret),
      fingerprint: createHash("sha256").update(secret).digest("base64"),
    }));
  });
  // Of two of one name the first is asked, as upstream.
  return { write: all[0]!, read: new Map(all.toReversed().map((way) => [way.prefix, way])) };
}
