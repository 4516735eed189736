/** Finished Jobs with ttlSecondsAfterFinished are deleted when that is over (pkg/controller/ttlafterfinished). */
import type { Client } from "../../lib/client/client.ts";
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { WakeAt } from "../../lib/controller/controller.ts";
import { keyOf } from "../../lib/kind.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Job } from "../../lib/types/batch_v1.ts";
import { Job as JobKind } from "../../lib/types/kinds.ts";
import { finishOf } from "./job/status.ts";
import type { Parts } from "./parts.ts";

export interface TtlAction {
  do: "delete";
  why: string;
}

/** When the Job is to go; `undefined`: not by itself, or not yet known. */
function expiry({ metadata, spec, status }: Job): Instant | undefined {
  const finished = finishOf(status)?.lastTransitionTime;
  if (spec.ttlSecondsAfterFinished === undefined || finished === undefined) return undefined;
  if (metadata.deletionTimestamp !== undefined) return undefined;
  return Date.parse(finished) + spec.ttlSecondsAfterFinished * 1000;
}

export function planTtl(job: Job, now: Instant): readonly (TtlAction | WakeAt)[] {
  const at = expiry(job);
  if (at === undefined) return [];
  if (at > now) return [{ do: "wakeAt", at, why: "it has been finished for long enough then" }];
  return [{ do: "delete", why: `it finished ${job.spec.ttlSecondsAfterFinished} s ago` }];
}

export function ttlAfterFinishedController({ informers: { jobs }, clock }: Parts): Controller<Job, TtlAction> {
  return {
    name: "ttl-after-finished-controller",
    sources: [source(jobs, (job) => [keyOf(job)])],
    view: (key) => jobs.get(key),
    plan: planTtl,
    async execute(_action, client, job) {
      if (await isDue(client, job, clock.now())) await remove(client, job);
    },
  };
}

/** Asks the server: its time may have been prolonged a moment ago, and what is deleted does not come back. */
async function isDue(client: Client, { metadata }: Job, now: Instant): Promise<boolean> {
  try {
    const fresh = await client.get(JobKind, metadata);
    const at = expiry(fresh);
    return fresh.metadata.uid === metadata.uid && at !== undefined && at <= now;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}

async function remove(client: Client, { metadata }: Job): Promise<void> {
  try {
    await client.delete(JobKind, metadata, { propagationPolicy: "Foreground", preconditions: { uid: metadata.uid } });
  } catch (error) {
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
}
