/** The controller of CronJobs: gathers what planCronJob() needs, and does what it says. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf, type Kind, type New } from "../../../lib/kind.ts";
import { rfc3339 } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { CronJob, CronJobStatus, Job } from "../../../lib/types/batch_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { controllerKey, controllerOf } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { isNamespaceTerminating } from "../pod_template.ts";
import { referenceTo } from "./children.ts";
import { type CronJobAction, type CronJobView, hasStatus, planCronJob } from "./plan.ts";

const cronJobKind = kinds.CronJob as Kind;

export function cronJobController(parts: Parts): Controller<CronJobView, CronJobAction> {
  const { cronJobs, jobs } = parts.informers;
  const keysOfJob = (job: Job): readonly string[] => {
    const key = controllerKey(job, cronJobKind);
    return key === undefined ? [] : [key];
  };
  return {
    name: "cronjob-controller",
    sources: [source(cronJobs, (cronJob) => [keyOf(cronJob)]), source(jobs, keysOfJob)],
    view(key) {
      const cronJob = cronJobs.get(key);
      return cronJob === undefined ? undefined : { cronJob, jobs: jobs.by("controller", cronJob.metadata.uid) };
    },
    plan: planCronJob,
    execute: (action, client, { cronJob }) => executeCronJob(action, client, cronJob, parts),
  };
}

async function executeCronJob(action: CronJobAction, client: Client, cronJob: CronJob, parts: Parts): Promise<void> {
  switch (action.do) {
    case "deleteJob":
      return await deleteJob(client, cronJob, action.job, parts);
    case "report": {
      const { type, reason, message } = action.report;
      parts.recorder.event(cronJob, type, reason, message);
      return;
    }
    case "updateStatus":
      return await updateStatus(client, cronJob, action.status);
    case "start":
      return await start(client, cronJob, action, parts);
  }
}

async function updateStatus(client: Client, cronJob: CronJob, status: CronJobStatus): Promise<void> {
  if (hasStatus(cronJob, status)) return;
  const active = status.active?.length ? status.active : undefined;
  await client.update(kinds.CronJob, { ...cronJob, status: { ...status, active } }, { subresource: "status" });
}

async function start(
  client: Client,
  cronJob: CronJob,
  { job, at, replaces, status }: CronJobAction & { do: "start" },
  parts: Parts,
): Promise<void> {
  const replaced = new Set<string>();
  for (const old of replaces) {
    await deleteJob(client, cronJob, old, parts);
    replaced.add(old.metadata.uid);
  }
  const active = (status.active ?? []).filter(({ uid }) => !replaced.has(uid!));
  const made = await createJob(client, cronJob, job, parts).catch(async (error) => {
    // What has been found out before is told all the same.
    if (!isNamespaceTerminating(error)) await updateStatus(client, cronJob, { ...status, active });
    throw error;
  });
  if (made === undefined) return await updateStatus(client, cronJob, { ...status, active });
  const lastScheduleTime = rfc3339(at);
  return await updateStatus(client, cronJob, { ...status, active: [...active, referenceTo(made)], lastScheduleTime });
}

/** The Job, also where it was made before its name could be written down; `undefined`: it is somebody else's. */
async function createJob(
  client: Client,
  cronJob: CronJob,
  job: Job,
  { recorder }: Parts,
): Promise<Job | undefined> {
  try {
    const created = await client.create(kinds.Job, job as New<Job>);
    recorder.event(cronJob, "Normal", "SuccessfulCreate", `Created job ${created.metadata.name}`);
    return created;
  } catch (error) {
    if (isReason(error, "AlreadyExists")) {
      const there = await client.get(kinds.Job, job.metadata);
      return controllerOf(there)?.uid === cronJob.metadata.uid ? there : undefined;
    }
    if (!isNamespaceTerminating(error)) {
      recorder.event(cronJob, "Warning", "FailedCreate", `Error creating job: ${(error as Error).message}`);
    }
    throw error;
  }
}

async function deleteJob(client: Client, cronJob: CronJob, { metadata }: Job, { recorder }: Parts): Promise<void> {
  try {
    const preconditions = { uid: metadata.uid };
    await client.delete(kinds.Job, metadata, { propagationPolicy: "Background", preconditions });
    recorder.event(cronJob, "Normal", "SuccessfulDelete", `Deleted job ${metadata.name}`);
  } catch (error) {
    if (isReason(error, "NotFound", "Conflict")) return;
    recorder.event(cronJob, "Warning", "FailedDelete", `Deleted job: ${(error as Error).message}`);
    throw error;
  }
}
