/**
 * How many Nodes of a zone are down decides how fast pods are evicted from them: when most are down at once, the network or the
 * control plane is likelier to be at fault than the Nodes (node_lifecycle_controller.go ComputeZoneState, handleDisruption). Pure.
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
  /** No zone has a Node that is ready: nothing is evicted anywhere. */
  allDown: boolean;
}

export function zoneOf({ metadata }: Node): string {
  const label = (key: string) => metadata.labels?.[`topology.kubernetes.io/${key}`] ?? "";
  return `${label("region")}\n${label("zone")}`;
}

export function zonesOf(nodes: Iterable<Node>): Zones {
  const counts = new Map<string, { ready: number; notReady: number }>();
  for (const node of nodes) {
    const count = counts.get(zoneOf(node)) ?? { ready: 0, notReady: 0 };
    counts.set(zoneOf(node), count);
    if (readiness(node) === "True") count.ready++;
    else count.notReady++;
  }
  const states = new Map(
    [...counts].map(([zone, count]) =>
      [zone, { state: zoneState(count), nodes: count.ready + count.notReady }] as const
    ),
  );
  const allDown = states.size > 0 && [...states.values()].every(({ state }) => state === "FullDisruption");
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
