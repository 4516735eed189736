/**
 * Nothing is written that would take a namespace over a quota (k8s.io/apiserver/pkg/admission/plugin/resourcequota), however many write
 * at once. What is used is what the cache holds; what was written meanwhile shows in a counter that each write raises in the same atomic
 * step, and the write fails when the counter has moved further than there is room. So no count can drift from the objects, and writers
 * get into each other's way only where a quota is nearly used up.
 */
import { compareQuantities, type Quantity } from "../../lib/quantity.ts";
import { addTo, type Amounts, amountsOf, less, zero } from "../../lib/quota/amounts.ts";
import { countsUpdates, isInScope, listed, unspecified, usageOf } from "../../lib/quota/usage.ts";
import type { KubeObject } from "../../lib/kind.ts";
import type { Pod, ResourceQuota } from "../../lib/types/core_v1.ts";
import { forbidden, isPod, isPodResize } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

export interface QuotaParts {
  /** What the namespace's objects use of the quota, of the names that it limits. */
  used(namespace: string, quota: ResourceQuota): Amounts;
  /** The counters of a space of claims. */
  counters(space: string): Promise<ReadonlyMap<string, string>>;
  now(): number;
}

const quotas = "resourcequotas";
const spaceOf = ({ metadata }: ResourceQuota) => `quota/${metadata.uid}`;

export function resourceQuota(parts: QuotaParts): AdmissionPlugin {
  return {
    name: "ResourceQuota",
    async validate(attributes, lookup) {
      const { operation, resource, subresource, namespace, object, old } = attributes;
      const resize = isPodResize(attributes);
      if (namespace === undefined || (subresource !== undefined && !resize)) return;
      if (operation === "DELETE" && resource.group === "" && resource.plural === quotas) {
        return await forget(attributes, parts);
      }
      const counts = operation === "CREATE" || resize || (operation === "UPDATE" && countsUpdates(resource));
      if (!counts || object === undefined) return;
      // Most namespaces have none: then nothing is weighed.
      const all = lookup.list<ResourceQuota & KubeObject>(quotas, namespace);
      if (all.length === 0) return;
      const now = parts.now();
      const usage = usageOf(resource, object, now);
      const more = positive(old === undefined ? usage : less(usage, usageOf(resource, old, now)));
      if (more.size === 0) return;
      const found = all.filter((quota) => concerns(quota, usage) && isInScope(quota, resource, object));
      if (found.length === 0) return;
      if (isPod(attributes) || resize) found.forEach((quota) => demand(attributes, quota));
      await spend(attributes, lookup, { parts, found, more });
    },
  };
}

const concerns = ({ spec }: ResourceQuota, usage: Amounts) =>
  Object.keys(spec.hard ?? {}).some((name) => usage.has(name));

function positive(amounts: Amounts): Map<string, Quantity> {
  return new Map([...amounts].filter(([, { nano }]) => nano > 0n));
}

function demand(attributes: Attributes, { metadata, spec }: ResourceQuota): void {
  const why = unspecified(attributes.object as unknown as Pod, Object.keys(spec.hard ?? {}));
  if (why !== undefined) throw forbidden(attributes, `failed quota: ${metadata.name}: ${why}`);
}

async function spend(
  attributes: Attributes,
  lookup: Lookup,
  { parts, found, more }: { parts: QuotaParts; found: readonly ResourceQuota[]; more: Amounts },
): Promise<void> {
  // In this order: what was counted by now, the cache has after fresh(), so nothing is overlooked between the two.
  const counters = await Promise.all(found.map((quota) => parts.counters(spaceOf(quota))));
  await lookup.fresh();
  found.forEach((quota, i) => {
    const hard = amountsOf(quota.spec.hard);
    const asked = new Map([...more].filter(([name]) => hard.has(name)));
    const used = parts.used(attributes.namespace!, quota);
    const after = new Map(used);
    addTo(after, asked);
    const exceeded = [...asked.keys()].filter((name) => compareQuantities(after.get(name)!, hard.get(name)!) > 0);
    if (exceeded.length > 0) throw exceeds(attributes, quota, { exceeded, asked, used, hard });
    for (const [name, amount] of asked) {
      const room = hard.get(name)!.nano - (used.get(name) ?? zero).nano;
      const unit = unitOf(name);
      const up = Number((amount.nano + unit - 1n) / unit);
      const before = Number(counters[i]!.get(name) ?? 0);
      // Rounded against the writer, but never against one that is alone.
      const max = before + Math.max(up, Number(room / unit));
      attributes.claim({
        do: "add",
        space: spaceOf(quota),
        name,
        amount: up,
        max: Math.min(max, Number.MAX_SAFE_INTEGER),
      });
    }
  });
}

function exceeds(
  attributes: Attributes,
  { metadata }: ResourceQuota,
  { exceeded, ...amounts }: { exceeded: readonly string[]; asked: Amounts; used: Amounts; hard: Amounts },
) {
  const of = (amounts: Amounts) => listed(new Map(exceeded.map((name) => [name, amounts.get(name) ?? zero])));
  const { asked, used, hard } = amounts;
  const why = `requested: ${of(asked)}, used: ${of(used)}, limited: ${of(hard)}`;
  return forbidden(attributes, `exceeded quota: ${metadata.name}, ${why}`);
}

const nano = 1_000_000_000n;

/**
 * What one of a counter is, in nano units. Counters only grow, to 2^53: of KiB that is 8 EiB of pods that were ever made under one
 * quota, of thousandths of a CPU nine billion cores.
 */
function unitOf(name: string): bigint {
  if (/(^|\.)cpu$/.test(name)) return nano / 1000n;
  return /(^|\.)(memory|ephemeral-storage|storage)$|hugepages-|requests\.storage$/.test(name) ? 1024n * nano : nano;
}

/** Its counters go with it. */
async function forget(attributes: Attributes, parts: QuotaParts): Promise<void> {
  const quota = attributes.old as unknown as ResourceQuota;
  const space = spaceOf(quota);
  for (const [name, count] of await parts.counters(space)) {
    attributes.claim({ do: "add", space, name, amount: -Number(count) });
  }
}
