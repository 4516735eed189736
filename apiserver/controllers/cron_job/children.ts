/** The Jobs that a CronJob has made: which still run, which are remembered, which go (cronjob_controllerv2.go). Pure. */
import { apiVersionOf } from "../../../lib/kind.ts";
import type { CronJob, CronJobStatus, Job } from "../../../lib/types/batch_v1.ts";
import type { ObjectReference } from "../../../lib/types/core_v1.ts";
import { Job as JobKind } from "../../../lib/types/kinds.ts";
import { finishOf, isFinished } from "../job/status.ts";
import type { Report } from "./plan.ts";

export interface Children {
  status: CronJobStatus;
  reports: Report[];
}

/** The status with what has become of the active Jobs. */
export function follow(cronJob: CronJob, jobs: readonly Job[]): Children {
  const { active = [], lastSuccessfulTime } = cronJob.status;
  const reports: Report[] = [];
  const listed = new Set(active.map(({ uid }) => uid));
  const ended = new Set<string>();
  for (const job of jobs) {
    const { name, uid } = job.metadata;
    const finish = finishOf(job.status);
    if (finish === undefined && !listed.has(uid)) {
      const message = `Saw a job that the controller did not create or forgot: ${name}`;
      reports.push({ type: "Warning", reason: "UnexpectedJob", message });
    } else if (finish !== undefined && listed.has(uid)) {
      ended.add(uid);
      const message = `Saw completed job: ${name}, condition: ${finish.type}`;
      reports.push({ type: "Normal", reason: "SawCompletedJob", message });
    }
  }
  const here = new Set(jobs.map(({ metadata }) => metadata.uid));
  for (const { uid, name } of active) {
    if (here.has(uid!)) continue;
    ended.add(uid!);
    reports.push({ type: "Normal", reason: "MissingJob", message: `Active job went missing: ${name}` });
  }
  const successes = jobs.map(({ status }) => status.completionTime).filter((time) => time !== undefined);
  const status = {
    ...cronJob.status,
    active: active.filter(({ uid }) => !ended.has(uid!)),
    lastSuccessfulTime: [lastSuccessfulTime, ...successes].reduce(later, undefined),
  };
  return { status, reports };
}

const later = (a: string | undefined, b: string | undefined) =>
  a === undefined || (b !== undefined && Date.parse(b) > Date.parse(a)) ? b : a;

/** Finished Jobs beyond the limits, the oldest of each outcome. */
export function surplus({ spec }: CronJob, jobs: readonly Job[]): readonly Job[] {
  const of = (type: string, limit: number | undefined) => {
    if (limit === undefined) return [];
    const finished = jobs.filter((job) => isFinished(job) && finishOf(job.status)!.type === type).sort(byStart);
    return finished.slice(0, Math.max(0, finished.length - limit))
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  };
  return [...of("Complete", spec.successfulJobsHistoryLimit), ...of("Failed", spec.failedJobsHistoryLimit)];
}

/** Those that have not started are the youngest. */
function byStart(a: Job, b: Job): number {
  const start = ({ status }: Job) => status.startTime === undefined ? Infinity : Date.parse(status.startTime);
  const [x, y] = [start(a), start(b)];
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x - y;
}

export function referenceTo({ metadata }: Job): ObjectReference {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion: apiVersionOf(JobKind), kind: "Job", namespace, name, uid, resourceVersion };
}
