/**
 * How many Nodes of a zone are down decides how fast pods are evicted from them: when most are down at once, the network or the
 * control plane is likelier to be at fault than the Nodes (node_lifecycle_controller.go ComputeZoneState, handleDisruption). Pure.
 *
 * Other than upstream, whose control plane is no Node: the Node on our own host, which we hear even with our cable pulled, does not
 * count as one that lives when two or more others are there, and all are down.
 */
import {
  evictionIntervalMs,
  slowEvictionIntervalMs,
  smallZoneNodesMax,
  unhealthyZoneShareMin,
} from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { Node } from "../../../lib/types/core_v1.ts";
import { readiness } from "./health.ts";

export type ZoneState = "Normal" | "PartialDisruption" | "FullDisruption";

export interface Zones {
  /** By zoneOf(). */
  states: ReadonlyMap<string, { state: ZoneState; nodes: number }>;
  /** No zone has a Node that is ready, our own host's aside: nothing is evicted anywhere. */
  allDown: boolean;
}

export interface Census {
  /** Name of the Node on the control plane's own host. */
  own?: string;
  /** Default: not ready. */
  isDown?(node: Node): boolean;
}

const isNotReady = (node: Node) => readiness(node) !== "True";

export function zoneOf({ metadata }: Node): string {
  const label = (key: string) => metadata.labels?.[`topology.kubernetes.io/${key}`] ?? "";
  return `${label("region")}\n${label("zone")}`;
}

export function zonesOf(nodes: Iterable<Node>, { own, isDown = isNotReady }: Census = {}): Zones {
  const others = { ready: 0, notReady: 0 };
  const counts = new Map<string, { ready: number; notReady: number }>();
  for (const node of nodes) {
    const count = counts.get(zoneOf(node)) ?? { ready: 0, notReady: 0 };
    counts.set(zoneOf(node), count);
    const state = isDown(node) ? "notReady" : "ready";
    count[state]++;
    if (node.metadata.name !== own) others[state]++;
  }
  const states = new Map(
    [...counts].map(([zone, count]) =>
      [zone, { state: zoneState(count), nodes: count.ready + count.notReady }] as const
    ),
  );
  const alone = own !== undefined && others.ready === 0 && others.notReady >= 2;
  const allDown = alone || (states.size > 0 && [...states.values()].every(({ state }) => state === "FullDisruption"));
  return { states, allDown };
}

export function zoneState({ ready, notReady }: { ready: number; notReady: number }): ZoneState {
  if (ready === 0 && notReady > 0) return "FullDisruption";
  // One or two Nodes down are no disruption, however small the zone.
  if (notReady > 2 && notReady / (ready + notReady) >= unhealthyZoneShareMin) return "PartialDisruption";
  return "Normal";
}

/** ms between evictions in that zone; `undefined`: none at all. */
export function evictionInterval(zones: Zones, zone: string): number | undefined {
  if (zones.allDown) return undefined;
  const found = zones.states.get(zone);
  if (found?.state !== "PartialDisruption") return evictionIntervalMs;
  return found.nodes > smallZoneNodesMax ? slowEvictionIntervalMs : undefined;
}

/** When the next Node of the zone may be evicted from, the last one having been at `last`. */
export function nextEviction(zones: Zones, zone: string, last: Instant | undefined): Instant | undefined {
  const interval = evictionInterval(zones, zone);
  return interval === undefined ? undefined : (last ?? -Infinity) + interval;
}
