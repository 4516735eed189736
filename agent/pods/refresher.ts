/** Keeps the files of running pods' volumes current: after a change of what they are made from, and before tokens expire. */
import { getLogger } from "log";
import { volumeRefreshMs } from "../../lib/limits.ts";
import { createQueue } from "../../lib/queue/queue.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { References } from "../volumes/references.ts";
import type { Tokens } from "../volumes/tokens.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Assigned } from "./assigned.ts";
import type { Surroundings } from "./downward.ts";
import type { Memory } from "./view.ts";

export interface RefresherOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly references: References;
  readonly assigned: Assigned;
  readonly volumes: Volumes;
  readonly tokens: Tokens;
  readonly memory: (uid: string) => Memory | undefined;
  readonly surroundings: (pod: Pod) => Surroundings;
}

const logger = getLogger(["sauropod", "agent", "volumes"]);

/** Until the signal aborts. */
export async function runRefresher(options: RefresherOptions): Promise<void> {
  const { clock, signal, references, assigned, volumes, tokens, memory, surroundings } = options;
  const queue = createQueue(clock, { baseMs: 1_000, maxMs: 60_000 });
  signal.addEventListener("abort", () => queue.close(), { once: true });
  const soon = (uid: string) => queue.addAt(uid, clock.now() + volumeRefreshMs);
  references.onChange(soon);
  // Labels and annotations are the pod's own.
  assigned.onChange(soon);
  for (let uid = await queue.next(); uid !== undefined; uid = await queue.next()) {
    const found = assigned.get(uid);
    const state = memory(uid);
    try {
      if (found !== undefined && state?.volumes?.ok === true && !state.volumesReleased && !state.busy.has("volumes")) {
        await volumes.refresh(found.pod, surroundings(found.pod));
        const renewAt = tokens.renewAt(uid);
        if (renewAt !== undefined) queue.addAt(uid, Math.max(renewAt, clock.now() + 1_000));
      }
      queue.done(uid);
    } catch (error) {
      // The old files stay; what is missing now may come back.
      const delay = queue.failed(uid);
      logger.debug("volumes of {uid}: {error}; again in {delay} ms", { uid, error: String(error), delay });
    }
  }
}
