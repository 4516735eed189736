/**
 * Now and then: puts right what was taken away of the node's own network, removes what is left of pods that are gone, and has attached anew
 * what was lost.
 */
import { getLogger } from "log";
import { networkVerifyMs } from "../../lib/limits.ts";
import { sleep } from "../../lib/seams/clock.ts";
import type { Assigned } from "../pods/assigned.ts";
import type { NodeParts } from "../pods/pod_context.ts";
import type { PodWorkers } from "../pods/workers.ts";

const logger = getLogger(["sauropod", "agent", "network"]);

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
    await sleep(clock, networkVerifyMs, signal);
    if (signal.aborted || networkWait() !== undefined) continue;
    try {
      // Before both sides are known every pod would look like one that is gone; ways to other nodes are needed all the same.
      if (!observer.hasSynced || !assigned.hasSynced) {
        await network.verify();
        continue;
      }
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
