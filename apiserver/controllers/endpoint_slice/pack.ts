/**
 * Distributes endpoints over slices of at most 100 with as few changed slices as possible (k8s.io/endpointslice reconciler.go,
 * reconcileByPortMapping). Pure. Slices may stay partly filled: filling them up would rewrite slices that need no change.
 */
import { endpointsPerSliceMax } from "../../../lib/limits.ts";
import type { Endpoint, EndpointSlice } from "../../../lib/types/discovery_v1.ts";
import { same } from "../same.ts";
import { endpointKey } from "./endpoint.ts";

export interface Packing {
  /** Endpoints of slices that are new. */
  create: Endpoint[][];
  /** Existing slices with their new endpoints. */
  update: { slice: EndpointSlice; endpoints: Endpoint[] }[];
  delete: EndpointSlice[];
}

interface Open {
  slice: EndpointSlice;
  endpoints: Endpoint[];
  changed: boolean;
}

/**
 * `slices` all have the ports that the endpoints have. `outdated` tells slices that must be written anyway (their labels differ): they
 * cost nothing to fill.
 */
export function pack(
  slices: readonly EndpointSlice[],
  desired: readonly Endpoint[],
  outdated: (slice: EndpointSlice) => boolean,
  max: number = endpointsPerSliceMax,
): Packing {
  const waiting = new Map(desired.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const kept = slices.map((slice) => keep(slice, waiting, outdated(slice)));
  // Step 2: slices that change anyway take what still waits.
  for (const open of kept) if (open.changed) fill(open.endpoints, waiting, max);
  const deleted = kept.filter(({ endpoints }) => endpoints.length === 0).map(({ slice }) => slice);
  const left = kept.filter(({ endpoints }) => endpoints.length > 0);
  const create: Endpoint[][] = [];
  // Step 3: the rest goes into one slice that has room, or into new ones.
  while (waiting.size > 0) {
    const host = waiting.size < max ? bestFit(left.filter((open) => !open.changed), waiting.size, max) : undefined;
    if (host !== undefined) {
      host.changed = true;
      fill(host.endpoints, waiting, max);
    } else {
      const endpoints: Endpoint[] = [];
      fill(endpoints, waiting, max);
      create.push(endpoints);
    }
  }
  const update = left.filter(({ changed }) => changed).map(({ slice, endpoints }) => ({ slice, endpoints }));
  return { create, update, delete: deleted };
}

/** Step 1: what the slice has and should have stays where it is, in its new condition. */
function keep(slice: EndpointSlice, waiting: Map<string, Endpoint>, outdated: boolean): Open {
  const endpoints: Endpoint[] = [];
  let changed = outdated;
  for (const endpoint of slice.endpoints ?? []) {
    const key = endpointKey(endpoint);
    const wanted = waiting.get(key);
    if (wanted === undefined) changed = true;
    else {
      waiting.delete(key);
      if (same(wanted, endpoint)) endpoints.push(endpoint);
      else {
        endpoints.push(wanted);
        changed = true;
      }
    }
  }
  return { slice, endpoints, changed };
}

function fill(endpoints: Endpoint[], waiting: Map<string, Endpoint>, max: number): void {
  for (const [key, endpoint] of waiting) {
    if (endpoints.length >= max) return;
    endpoints.push(endpoint);
    waiting.delete(key);
  }
}

/** The slice that would be fullest with `count` more. */
function bestFit(slices: readonly Open[], count: number, max: number): Open | undefined {
  const fitting = slices.filter(({ endpoints }) => endpoints.length + count <= max);
  return fitting.reduce<Open | undefined>(
    (best, open) => best === undefined || open.endpoints.length > best.endpoints.length ? open : best,
    undefined,
  );
}
