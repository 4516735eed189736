/** Keeps the files of running pods' volumes current: after a change of what they are made from, and before tokens expire. */
import { getLogger } from "log";
import { volumeRefreshMs } from "../../lib/limits.ts";
import { createQueue } from "../../lib/queue/queue.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import { tokenProjections } from "../volumes/payload.ts";
import type { References } from "../volumes/references.ts";
import type { Tokens } from "../volumes/tokens.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Assigned } from "./assigned.ts";
import type { Surroundings } from "./downward.ts";
import { allocationOf, withAllocation } from "./resize.ts";
import type { Memory } from "./view.ts";

export interface RefresherOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly references: References;
  readonly assigned: Assigned;
  readonly volumes: Volumes;
  readonly tokens: Tokens;
  readonly memory: (uid: string) => Memory | undefined;
  readonly node: Pick<Surroundings, "hostIPs" | "allocatable">;
}

/** Between looks at a pod that should have tokens. ms */
const tokenRetryMs = 5_000;

const logger = getLogger(["sauropod", "agent", "volumes"]);

/** Until the signal aborts. */
export async function runRefresher(options: RefresherOptions): Promise<void> {
  const { clock, signal, references, assigned, volumes, tokens, memory, node } = options;
  const queue = createQueue(clock, { baseMs: 1_000, maxMs: 60_000 });
  signal.addEventListener("abort", () => queue.close(), { once: true });
  const soon = (uid: string) => queue.addAt(uid, clock.now() + volumeRefreshMs);
  references.onChange(soon);
  const granted = (pod: Pod) => withAllocation(pod, memory(pod.metadata.uid)?.allocation ?? new Map());
  // Labels, annotations and what it was granted are the pod's own; its status, which changes more often, is in no volume.
  const meta = new Map<string, string>();
  assigned.onChange((uid) => {
    const pod = assigned.get(uid)?.pod;
    if (pod === undefined) return void meta.delete(uid);
    const resources = [...allocationOf(granted(pod)).values()];
    const now = JSON.stringify([pod.metadata.labels, pod.metadata.annotations, resources]);
    if (meta.get(uid) !== now) soon(uid);
    meta.set(uid, now);
  });
  for (let uid = await queue.next(); uid !== undefined; uid = await queue.next()) {
    const found = assigned.get(uid);
    const state = memory(uid);
    try {
      if (found !== undefined && state?.volumes?.ok === true && !state.volumesReleased && !state.busy.has("volumes")) {
        // Volumes may not ask for the pod's address, which is the one thing that is known later.
        await volumes.refresh(granted(found.pod), { ...node, podIPs: [] });
      }
      if (found !== undefined && state?.volumesReleased !== true && tokenProjections(found.pod).length > 0) {
        // Without a token yet (the API is away, or the volumes are being made) it is looked at again soon.
        queue.addAt(uid, Math.max(tokens.renewAt(uid) ?? 0, clock.now() + tokenRetryMs));
      }
      queue.done(uid);
    } catch (error) {
      // The old files stay; what is missing now may come back.
      const delay = queue.failed(uid);
      logger.debug("volumes of {uid}: {error}; again in {delay} ms", { uid, error: String(error), delay });
    }
  }
}
