/** Which time of a schedule is to be started now, and when to look again (pkg/controller/cronjob/utils.go). Pure. */
import type { CronSchedule } from "../../../lib/cron.ts";
import { nextTime } from "../../../lib/cron_next.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { CronJob } from "../../../lib/types/batch_v1.ts";

/** More missed times than this are worth a warning. */
const missedMax = 100;
/** The look comes a little later than the time, so that it is over by any clock. ms */
const lookDelayMs = 100;

/** The schedule is never due. */
export class NeverDue extends Error {
  override name = "NeverDue";
}

interface Recent {
  earliest: Instant;
  /** The last time that has passed. */
  at: Instant | undefined;
  missed: "none" | "few" | "many";
}

export interface Times {
  schedule: CronSchedule;
  zone: string;
  now: Instant;
}

/** Throws NeverDue. */
function mostRecent(
  { metadata, spec, status }: CronJob,
  { schedule, zone, now }: Times,
  { withDeadline }: { withDeadline: boolean },
): Recent {
  let earliest = Date.parse(status.lastScheduleTime ?? metadata.creationTimestamp);
  if (withDeadline && spec.startingDeadlineSeconds !== undefined) {
    earliest = Math.max(earliest, now - spec.startingDeadlineSeconds * 1000);
  }
  const next = (after: Instant) => nextTime(schedule, after, zone);
  const first = next(earliest);
  const second = first === undefined ? undefined : next(first);
  if (first === undefined || second === undefined) {
    throw new NeverDue("time difference between two schedules is less than 1 second");
  }
  if (now < first) return { earliest, at: undefined, missed: "none" };
  if (now < second) return { earliest, at: first, missed: "none" };
  // How many were missed is estimated from the first two; from the estimate on they are counted. One step back, where the distance
  // between two times is not always the same.
  const step = second - first;
  const missed = Math.floor((now - first) / step) + 1;
  let at: Instant | undefined;
  for (let time = next(first + (missed - 2) * step); time !== undefined && time <= now; time = next(time)) at = time;
  return { earliest, at, missed: missed > missedMax ? "many" : "few" };
}

/** The time to start a job for, if one has passed. Throws NeverDue. */
export function dueTime(cronJob: CronJob, times: Times): { at: Instant | undefined; tooMany: boolean } {
  const { at, missed } = mostRecent(cronJob, times, { withDeadline: true });
  return { at, tooMany: missed === "many" };
}

/** When to look again. */
export function nextLook(cronJob: CronJob, times: Times): Instant {
  const { schedule, zone, now } = times;
  const { earliest, at, missed } = mostRecent(cronJob, times, { withDeadline: false });
  const from = at ?? (missed === "none" ? earliest : now);
  return (nextTime(schedule, from, zone) ?? now) + lookDelayMs;
}
