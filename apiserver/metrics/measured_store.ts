/** A store that tells how long it took. */
import type { Clock } from "../../lib/seams/clock.ts";
import type { Store, Write } from "../storage/store.ts";
import type { StoreMetrics } from "./server.ts";

export function measuredStore(store: Store, metrics: StoreMetrics, clock: Pick<Clock, "now">): Store {
  const timed = async <T>(operation: string, resource: string, run: () => Promise<T>): Promise<T> => {
    const begun = clock.now();
    try {
      return await run();
    } finally {
      metrics.took(operation, resource, (clock.now() - begun) / 1000);
    }
  };
  return {
    get epoch() {
      return store.epoch;
    },
    write: (write) => timed(operationOf(write), write.resource, () => store.write(write)),
    get: (resource, key) => timed("get", resource, () => store.get(resource, key)),
    list: (resource) => timed("list", resource, () => store.list(resource)),
    claimed: (space) => store.claimed(space),
    revision: () => store.revision(),
    changes: (after, limit) => store.changes(after, limit),
    onWake: (listener) => store.onWake(listener),
    onWritten: (listener) => store.onWritten(listener),
    ping: () => store.ping(),
    stats: () => store.stats(),
    close: () => store.close(),
  };
}

function operationOf({ type, expected }: Write): string {
  return type === "delete" ? "delete" : expected === 0 ? "create" : "update";
}
