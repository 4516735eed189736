/** The controller of Jobs: gathers what planJob() needs, and does what it says. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf, type Kind } from "../../../lib/kind.ts";
import { matchesLabels, type Selector, selectorFrom } from "../../../lib/selector/labels.ts";
import { isReason } from "../../../lib/status.ts";
import type { Job } from "../../../lib/types/batch_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { filtered } from "../changes.ts";
import { adopt, claim, controllerKey, controllerOf, release } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { createPod, deletePod, isNamespaceTerminating } from "../pod_template.ts";
import { slowStart, together } from "../slow_start.ts";
import { isTracked, trackingFinalizer } from "./draft.ts";
import { type JobAction, type JobView, planJob } from "./plan.ts";
import { jobPod } from "./template.ts";

const jobKind = kinds.Job as Kind;
const podKind = kinds.Pod as Kind;
/** Keys of pods without a Job begin with it; names have no spaces. */
const orphanPrefix = "orphan ";

export function jobController(parts: Parts): Controller<JobView, JobAction> {
  const { jobs, pods } = parts.informers;
  const selectors = new WeakMap<Job, Selector>();
  const selects = (job: Job) => (pod: Pod) => {
    const known = selectors.get(job) ?? selectorFrom(job.spec.selector);
    selectors.set(job, known);
    return matchesLabels(known, pod.metadata.labels);
  };
  const selecting = (pod: Pod) => jobs.by("namespace", pod.metadata.namespace).filter((job) => selects(job)(pod));
  /** Nobody will count it. Of a pod that something else controls this says nothing. */
  const isOrphan = (pod: Pod): boolean => {
    if (!isTracked(pod)) return false;
    const owner = controllerOf(pod);
    if (owner === undefined) return pod.metadata.deletionTimestamp !== undefined || selecting(pod).length === 0;
    const key = controllerKey(pod, jobKind);
    return key !== undefined && jobs.get(key)?.metadata.uid !== owner.uid;
  };
  const keysOfPod = (pod: Pod): readonly string[] => {
    const key = controllerKey(pod, jobKind);
    if (isOrphan(pod)) return [orphanPrefix + keyOf(pod)];
    if (key !== undefined) return [key];
    return controllerOf(pod) !== undefined || pod.metadata.deletionTimestamp !== undefined
      ? []
      : selecting(pod).map(keyOf);
  };
  const gone = filtered(jobs, ({ now }) => now === undefined);
  const left = (job: Job) => pods.by("controller", job.metadata.uid).map((pod) => orphanPrefix + keyOf(pod));
  return {
    name: "job-controller",
    sources: [source(jobs, (job) => [keyOf(job)]), source(pods, keysOfPod), source(gone, left)],
    workers: 8,
    view(key) {
      if (key.startsWith(orphanPrefix)) {
        const orphan = pods.get(key.slice(orphanPrefix.length));
        return orphan !== undefined && isOrphan(orphan) ? { orphan } : undefined;
      }
      const job = jobs.get(key);
      if (job === undefined) return undefined;
      const { namespace, uid } = job.metadata;
      const candidates = [...pods.by("controller", uid), ...pods.by("orphan", namespace)];
      return { job, pods: claim(job, candidates, selects(job)) };
    },
    plan: planJob,
    execute: (action, client, view) => executeJob(action, client, view, parts),
  };
}

async function executeJob(action: JobAction, client: Client, view: JobView, { recorder }: Parts): Promise<void> {
  if (action.do === "settle") return await together(action.pods, (pod) => settle(client, pod));
  if ("orphan" in view) return;
  const { job } = view;
  switch (action.do) {
    case "adopt":
      return await adopt(client, jobKind, job, podKind, action.pod, { finalizer: trackingFinalizer });
    case "release":
      return await release(client, job, podKind, action.pod, { finalizer: trackingFinalizer });
    case "updateStatus":
      await client.update(kinds.Job, { ...job, status: action.status }, { subresource: "status" });
      for (const { type, reason, message } of action.reports) recorder.event(job, type, reason, message);
      return;
    case "deletePods":
      return await together(action.pods, async (pod) => {
        if (action.uncounted) await settle(client, pod);
        await deletePod(client, recorder, job, pod);
      });
    case "createPods":
      try {
        const { replicas } = action;
        await slowStart(replicas.length, (i) => createPod(client, recorder, job, jobPod(job, replicas[i]!)));
      } catch (error) {
        if (!isNamespaceTerminating(error)) throw error;
      }
  }
}

/** Removes the mark that the pod is still to be counted. */
async function settle(client: Client, pod: Pod): Promise<void> {
  if (!isTracked(pod)) return;
  const { uid } = pod.metadata;
  const patch = { metadata: { uid, "$deleteFromPrimitiveList/finalizers": [trackingFinalizer] } };
  try {
    await client.patch(kinds.Pod, pod.metadata, { type: "strategic", patch });
  } catch (error) {
    // Gone, or another pod has its name.
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
}
