/** Now and then: removes what is left in the pods' network of pods that are gone, and has attached anew what was lost. */
import { getLogger } from "log";
import { sleep } from "../../lib/seams/clock.ts";
import type { Assigned } from "../pods/assigned.ts";
import type { NodeParts } from "../pods/pod_context.ts";
import type { PodWorkers } from "../pods/workers.ts";

const logger = getLogger(["sauropod", "agent", "network"]);
const everyMs = 60_000;

/** Until the agent's signal aborts. */
export async function keepNetwork(
  { parts, assigned, workers, networkWait }: {
    parts: NodeParts;
    assigned: Assigned;
    workers: PodWorkers;
    networkWait: () => string | undefined;
  },
): Promise<void> {
  const { clock, network, observer, signal } = parts;
  while (!signal.aborted) {
    await sleep(clock, everyMs, signal);
    // Before both sides are known every pod would look like one that is gone.
    if (signal.aborted || networkWait() !== undefined || !observer.hasSynced || !assigned.hasSynced) continue;
    try {
      const { lost, removed, repaired } = await network.reconcile(workers.attachments());
      if (lost.length + removed.length + repaired.length > 0) {
        logger.warn("pod network: lost {lost}, removed {removed}, repaired {repaired}", { lost, removed, repaired });
      }
      for (const uid of lost) workers.reattach(uid);
    } catch (error) {
      logger.warn("pod network: {error}", { error: String(error) });
    }
  }
}
