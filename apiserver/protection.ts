/** What keeps one client from being everybody's trouble: flow control, made from the flags and kept at what the API says. */
import type { Client } from "../lib/client/client.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Cache } from "./cache/cache.ts";
import type { ApiserverConfig } from "./config.ts";
import { FlowControl } from "./flow/flow_control.ts";
import { followFlowObjects } from "./flow/follow.ts";
import { ensureFlowObjects, maintainFlowObjects } from "./flow/maintain.ts";
import type { CountObjects } from "./flow/work.ts";

export interface Protection {
  readonly flow: { control: FlowControl; count: CountObjects };
  /** Makes the objects that every cluster has, then looks after them until the signal aborts. Needs a client that may do everything. */
  start(client: Client, signal: AbortSignal): Promise<{ ended: Promise<void> }>;
}

export interface ProtectionParts {
  config: Pick<ApiserverConfig, "max-requests-inflight" | "max-mutating-requests-inflight">;
  /** Started. */
  cache: Cache;
  /** The resources that it knows. */
  storages: readonly string[];
  clock: Clock;
}

export function createProtection({ config, cache, storages, clock }: ProtectionParts): Protection {
  const seats = config["max-requests-inflight"] + config["max-mutating-requests-inflight"];
  const control = new FlowControl({ clock, seats });
  return {
    flow: { control, count: counter(cache, storages) },
    async start(client, signal) {
      await ensureFlowObjects(client, clock);
      const { wake, ended } = maintainFlowObjects({ client, clock, signal });
      const stops = [followFlowObjects({ cache, declared: storages, flow: control, onChange: wake }), control.start()];
      signal.addEventListener("abort", () => stops.forEach((stop) => stop()), { once: true });
      return { ended };
    },
  };
}

/** A list reads the snapshot anyway: looking at its length costs nothing more. */
function counter(cache: Cache, storages: readonly string[]): CountObjects {
  const known = new Set(storages);
  return (group, resource) => {
    const storage = group === "" ? resource : `${group}/${resource}`;
    return known.has(storage) ? cache.resource(storage).snapshot().entries().length : 0;
  };
}
