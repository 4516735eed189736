/** What the objects of a namespace use of a quota, from the watch cache. Each object is weighed once for each of its revisions. */
import type { Clock } from "../lib/seams/clock.ts";
import type { Quantity } from "../lib/quantity.ts";
import { addTo, type Amounts, quantity, zero } from "../lib/quota/amounts.ts";
import { countNames, isInScope, isWeighed, usageOf } from "../lib/quota/usage.ts";
import type { KubeObject } from "../lib/kind.ts";
import type { ResourceQuota } from "../lib/types/core_v1.ts";
import type { QuotaParts } from "./admission/resource_quota.ts";
import type { Cache, Entry } from "./cache/cache.ts";
import type { Resource } from "./rest/resource.ts";
import type { Store } from "./storage/store.ts";

interface Weighed {
  usage: Amounts;
  /** Ends later by itself: has to be asked again. */
  ends: boolean;
}

export function quotaParts(
  { cache, store, resources, clock }: { cache: Cache; store: Store; resources: readonly Resource[]; clock: Clock },
): QuotaParts {
  const weighed = new WeakMap<Entry, Weighed>();
  const namespaced = resources.filter((resource) => resource.namespaced);
  const weigh = (resource: Resource, entry: Entry): Amounts => {
    const known = weighed.get(entry);
    if (known !== undefined && !known.ends) return known.usage;
    const object = entry.object as KubeObject;
    const usage = usageOf(resource, object, clock.now());
    weighed.set(entry, { usage, ends: object.metadata.deletionTimestamp !== undefined });
    return usage;
  };
  const usedOf = (resource: Resource, namespace: string, quota: ResourceQuota, sum: Map<string, Quantity>): void => {
    const hard = quota.spec.hard ?? {};
    const entries = () => cache.resource(resource.storage).snapshot().entries(namespace);
    if (!isWeighed(resource)) {
      const names = countNames(resource).filter((name) => Object.hasOwn(hard, name));
      const scoped = (quota.spec.scopes ?? []).length > 0 || quota.spec.scopeSelector !== undefined;
      if (names.length === 0 || scoped) return;
      const count = quantity(String(entries().length));
      for (const name of names) sum.set(name, count);
      return;
    }
    const scoped = (quota.spec.scopes ?? []).length > 0 || quota.spec.scopeSelector !== undefined;
    for (const entry of entries()) {
      const own = new Map([...weigh(resource, entry)].filter(([name]) => Object.hasOwn(hard, name)));
      if (own.size > 0 && (!scoped || isInScope(quota, resource, entry.object))) addTo(sum, own);
    }
  };
  return {
    now: () => clock.now(),
    counters: (space) => store.claimed(space),
    used(namespace, quota) {
      const sum = new Map<string, Quantity>(Object.keys(quota.spec.hard ?? {}).map((name) => [name, zero]));
      const seen = new Set<string>();
      for (const resource of namespaced) {
        // Two versions of a kind have the same objects.
        if (seen.has(resource.storage)) continue;
        seen.add(resource.storage);
        usedOf(resource, namespace, quota, sum);
      }
      return sum;
    },
  };
}
