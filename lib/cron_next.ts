/**
 * When a cron schedule is due next (github.com/robfig/cron/v3 SpecSchedule.Next): the first instant at which the clocks of the zone show
 * a matching minute. A time that a zone skips in spring is not due that day; one that it has twice in autumn is due twice. Pure.
 */
import type { CronFields, CronSchedule } from "./cron.ts";
import type { Instant } from "./seams/clock.ts";
import { type WallClock, wallClock, type WallTime } from "./wall_clock.ts";

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Where nothing matches for so long, nothing ever does: 31 February. */
const yearsMax = 5;

/** The first time after `after`; `undefined`: never. Throws RangeError for an unknown zone. */
export function nextTime(schedule: CronSchedule, after: Instant, zone = "UTC"): Instant | undefined {
  if ("everyMs" in schedule) return Math.floor(after / secondMs) * secondMs + schedule.everyMs;
  const clock = wallClock(zone);
  let at = (Math.floor(after / secondMs) + 1) * secondMs;
  const { year: first, second } = clock(at);
  if (second > 0) at += (60 - second) * secondMs;
  for (;;) {
    const time = clock(at);
    if (time.year > first + yearsMax) return undefined;
    if (!schedule.months.has(time.month) || !isDay(schedule, time)) at = nextDay(clock, at, time);
    else if (!schedule.hours.has(time.hour)) at += hourMs - time.minute * minuteMs - time.second * secondMs;
    else if (!schedule.minutes.has(time.minute)) at += minuteMs;
    else return at;
  }
}

function isDay({ daysOfMonth, daysOfWeek, eitherDay }: CronFields, { day, weekday }: WallTime): boolean {
  const [ofMonth, ofWeek] = [daysOfMonth.has(day), daysOfWeek.has(weekday)];
  return eitherDay ? ofMonth || ofWeek : ofMonth && ofWeek;
}

const sinceMidnight = ({ hour, minute, second }: WallTime) => hour * hourMs + minute * minuteMs + second * secondMs;

/** The beginning of the next day: midnight, or what comes in its place where clocks are changed just then. */
function nextDay(clock: WallClock, at: Instant, time: WallTime): Instant {
  let next = at + dayMs - sinceMidnight(time);
  let there = clock(next);
  // A day of 25 hours.
  if (there.day === time.day) {
    next += dayMs - sinceMidnight(there);
    there = clock(next);
  }
  // A day of 23 hours: too far, unless the missing hour is the first of the next day.
  const midnight = next - sinceMidnight(there);
  return clock(midnight).day === there.day ? midnight : next;
}
