/**
 * What the objects of namespaces use, from informers: those that all controllers share, and of other kinds, which are only counted, one
 * for each that some quota names. Of these nothing but the names is kept.
 */
import { byNamespace } from "../../../lib/informer/indexes.ts";
import { createInformer, type Informer } from "../../../lib/informer/informer.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import { quotaDiscoveryMs } from "../../../lib/limits.ts";
import type { Quantity } from "../../../lib/quantity.ts";
import { addTo, type Amounts, quantity, zero } from "../../../lib/quota/amounts.ts";
import { type Counted, countNames, isInScope, usageOf } from "../../../lib/quota/usage.ts";
import type { ResourceQuota } from "../../../lib/types/core_v1.ts";
import { discover } from "../discovery.ts";
import { same } from "../same.ts";
import type { Parts } from "../parts.ts";
import { getLogger } from "log";

const logger = getLogger(["sauropod", "controller", "resourcequota-controller"]);
const shared = ["pods", "services", "persistentVolumeClaims"] as const;

export class Counters {
  readonly #weighed: readonly Informer<KubeObject>[];
  /** By `count/…`; undefined while it is not known, or not served. */
  readonly #counted = new Map<string, Informer<KubeObject> | undefined>();
  readonly #missing = new Set<string>();
  #lookingUntil = 0;

  /** `changed` is called with a namespace whose objects use another amount; of those that have no limit nothing need be worked out. */
  constructor(
    readonly parts: Pick<Parts, "informers" | "client" | "clock">,
    readonly namespaces: { isLimited(namespace: string): boolean; changed(namespace: string): void },
    readonly signal: AbortSignal,
  ) {
    this.#weighed = shared.map((name) => parts.informers[name] as unknown as Informer<KubeObject>);
    for (const informer of this.#weighed) this.#follow(informer);
  }

  #follow(informer: Informer<KubeObject>): void {
    const use = (object: KubeObject | undefined) =>
      object && [...usageOf(informer.kind, object, 0)].map(([name, { nano }]) => [name, String(nano)]);
    informer.onChange(({ old, now }) => {
      const namespace = (now ?? old)!.metadata.namespace;
      if (namespace === undefined || !this.namespaces.isLimited(namespace)) return;
      // Most changes of a pod are of its status.
      if (!same(use(old), use(now))) this.namespaces.changed(namespace);
    });
  }

  /** What is used of the names that the quota limits; `undefined` before all of it is known. */
  used(quota: ResourceQuota, now: number): Amounts | undefined {
    const hard = quota.spec.hard ?? {};
    const { namespace } = quota.metadata;
    const sum = new Map<string, Quantity>(Object.keys(hard).map((name) => [name, zero]));
    for (const informer of this.#weighed) {
      if (!Object.keys(hard).some((name) => isOf(informer.kind, name))) continue;
      if (!informer.hasSynced) return undefined;
      const isIndexed = informer.kind.plural !== "persistentvolumeclaims";
      for (const object of isIndexed ? informer.by("namespace", namespace) : informer.list()) {
        if (object.metadata.namespace !== namespace) continue;
        const usage = [...usageOf(informer.kind, object, now)].filter(([name]) => Object.hasOwn(hard, name));
        if (usage.length > 0 && isInScope(quota, informer.kind, object)) addTo(sum, new Map(usage));
      }
    }
    const scoped = (quota.spec.scopes ?? []).length > 0 || quota.spec.scopeSelector !== undefined;
    for (const name of Object.keys(hard)) {
      const informer = this.#informerFor(name);
      if (informer === undefined || scoped) continue;
      if (!informer.hasSynced) return undefined;
      sum.set(name, quantity(String(informer.by("namespace", namespace).length)));
    }
    return sum;
  }

  #informerFor(name: string): Informer<KubeObject> | undefined {
    const counted = countedKind(name);
    if (counted === undefined || this.#weighed.some(({ kind }) => countNames(kind).includes(name))) return undefined;
    const key = countNames(counted).at(-1)!;
    const known = this.#counted.get(key);
    if (known === undefined) {
      this.#missing.add(key);
      void this.#look();
    }
    return known;
  }

  /** Asks discovery for the kinds that quotas name and nobody watches yet; not again and again for those that are not served. */
  async #look(): Promise<void> {
    const { clock, client } = this.parts;
    if (clock.now() < this.#lookingUntil) return;
    this.#lookingUntil = clock.now() + quotaDiscoveryMs;
    try {
      const { kinds } = await discover(client);
      for (const kind of kinds) {
        const key = countNames(kind).at(-1)!;
        if (!kind.namespaced || !this.#missing.delete(key) || this.#counted.has(key)) continue;
        const informer = createInformer(client, kind, { clock, trim, indexes: { namespace: byNamespace } });
        this.#counted.set(key, informer);
        informer.onChange(({ old, now }) => {
          if (old === undefined || now === undefined) this.namespaces.changed((old ?? now)!.metadata.namespace!);
        });
        void informer.synced.then(() => this.namespaces.changed(""));
        void informer.run(this.signal);
      }
    } catch (error) {
      logger.debug("discovery: {error}", { error: String(error) });
      this.#lookingUntil = 0;
    }
  }
}

/** Can objects of the kind use what is so called? Of kinds that are not served nothing is waited for. */
function isOf({ plural }: Counted, name: string): boolean {
  if (name === `count/${plural}` || name === plural || name.startsWith(`${plural}.`)) return true;
  const isStorage = name === "requests.storage" || name.includes(".storageclass.storage.k8s.io/");
  if (plural === "persistentvolumeclaims") return isStorage;
  return plural === "pods" && !isStorage && !name.startsWith("count/") && !name.startsWith("services.");
}

/** `count/deployments.apps`, or a name of old: `secrets`. */
function countedKind(name: string): Counted | undefined {
  const path = name.startsWith("count/") ? name.slice(6) : name;
  const dot = path.indexOf(".");
  const kind = dot < 0 ? { group: "", plural: path } : { group: path.slice(dot + 1), plural: path.slice(0, dot) };
  return countNames(kind).includes(name) ? kind : undefined;
}

function trim<T extends KubeObject>({ apiVersion, kind, metadata }: T): T {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } } as T;
}
