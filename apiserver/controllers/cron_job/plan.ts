/**
 * Decides what a CronJob needs: Jobs to start, replace and delete, and its status. Pure.
 * Source: pkg/controller/cronjob/cronjob_controllerv2.go.
 */
import { CronError, parseCron } from "../../../lib/cron.ts";
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { Kind } from "../../../lib/kind.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { CronJob, CronJobStatus, Job } from "../../../lib/types/batch_v1.ts";
import { CronJob as CronJobKind } from "../../../lib/types/kinds.ts";
import { rfc3339In, wallClock } from "../../../lib/wall_clock.ts";
import { controllerReference } from "../owner.ts";
import { same } from "../same.ts";
import { follow, surplus } from "./children.ts";
import { dueTime, NeverDue, nextLook, type Times } from "./due.ts";

export interface CronJobView {
  cronJob: CronJob;
  /** That it controls. */
  jobs: readonly Job[];
}

export interface Report {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export type CronJobAction =
  | { do: "deleteJob"; job: Job; why: string }
  | { do: "report"; report: Report; why: string }
  | { do: "updateStatus"; status: CronJobStatus; why: string }
  /** Deletes the Jobs that it replaces, creates the Job, and writes the status with it. */
  | { do: "start"; job: Job; at: Instant; replaces: readonly Job[]; status: CronJobStatus; why: string };

type Planned = readonly (CronJobAction | WakeAt)[];

export function planCronJob(view: CronJobView, now: Instant): Planned {
  const { cronJob, jobs } = view;
  const { status, reports } = follow(cronJob, jobs);
  const actions: (CronJobAction | WakeAt)[] = [
    ...surplus(cronJob, jobs).map((job) =>
      ({ do: "deleteJob", job, why: "more have finished than are kept" }) as const
    ),
    ...reports.map(told),
  ];
  const scheduled = schedule({ cronJob: { ...cronJob, status }, jobs }, now);
  const starts = scheduled.some((action) => action.do === "start");
  if (!starts && !hasStatus(cronJob, status)) {
    actions.push({ do: "updateStatus", status, why: "it differs from what the jobs say" });
  }
  return [...actions, ...scheduled];
}

const told = (report: Report) => ({ do: "report", report, why: report.message }) as const;
const warning = (reason: string, message: string) => [told({ type: "Warning", reason, message })];

export function hasStatus({ status }: CronJob, next: CronJobStatus): boolean {
  return same({ ...status, active: status.active ?? [] }, { ...next, active: next.active ?? [] });
}

function schedule(view: CronJobView, now: Instant): Planned {
  const { cronJob: { metadata, spec } } = view;
  // Without a zone of its own UTC is meant, wherever this runs.
  const zone = spec.timeZone ?? "UTC";
  if (metadata.deletionTimestamp !== undefined) return [];
  if (!isZone(zone)) {
    return warning("UnknownTimeZone", `invalid timeZone: ${JSON.stringify(zone)}: unknown time zone ${zone}`);
  }
  if (spec.suspend) return [];
  try {
    return scheduleAt(view, { schedule: parseCron(spec.schedule), zone, now });
  } catch (error) {
    if (error instanceof CronError) {
      const text = `unparseable schedule: ${JSON.stringify(spec.schedule)} : ${error.message}`;
      return warning("UnparseableSchedule", text);
    }
    if (error instanceof NeverDue) {
      return warning("InvalidSchedule", `invalid schedule: ${spec.schedule} : ${error.message}`);
    }
    throw error;
  }
}

function isZone(zone: string): boolean {
  try {
    wallClock(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function scheduleAt(view: CronJobView, times: Times): Planned {
  const { cronJob, jobs } = view;
  const { spec, status } = cronJob;
  const { at, tooMany } = dueTime(cronJob, times);
  const many = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
  const before = tooMany ? warning("TooManyMissedTimes", many) : [];
  const later: WakeAt = { do: "wakeAt", at: nextLook(cronJob, times), why: "its next time" };
  if (at === undefined) return [...before, later];
  if (spec.startingDeadlineSeconds !== undefined && at + spec.startingDeadlineSeconds * 1000 < times.now) {
    return [...before, ...warning("MissSchedule", `Missed scheduled time to start a job: ${rfc1123(at)}`), later];
  }
  const job = jobAt(cronJob, at, times.zone);
  const active = status.active ?? [];
  const done = status.lastScheduleTime !== undefined && Date.parse(status.lastScheduleTime) === at;
  if (done || active.some(({ name }) => name === job.metadata.name)) return [...before, later];
  if (spec.concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    return [...before, told({ type: "Normal", reason: "JobAlreadyActive", message }), later];
  }
  const listed = new Set(active.map(({ uid }) => uid));
  const replaces = spec.concurrencyPolicy === "Replace" ? jobs.filter(({ metadata }) => listed.has(metadata.uid)) : [];
  return [...before, { do: "start", job, at, replaces, status, why: `its schedule says ${rfc1123(at)}` }, later];
}

/** `Thu, 01 Jan 2026 03:00:00 +0000` */
const rfc1123 = (at: Instant) => new Date(at).toUTCString().replace("GMT", "+0000");

/** The Job of one time. Its name is that of the minute: the same time makes the same Job, never two. */
function jobAt(cronJob: CronJob, at: Instant, zone: string): Job {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const scheduled = { "batch.kubernetes.io/cronjob-scheduled-timestamp": rfc3339In(zone, at) };
  return {
    metadata: {
      name: `${cronJob.metadata.name}-${Math.floor(at / 60_000)}`,
      namespace: cronJob.metadata.namespace,
      labels: metadata?.labels,
      annotations: { ...metadata?.annotations, ...scheduled },
      ownerReferences: [controllerReference(CronJobKind as Kind, cronJob)],
    },
    spec: spec!,
  } as unknown as Job;
}
