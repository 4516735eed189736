/** What clocks on the wall show in a time zone, and how they differ from UTC. */
import type { Instant } from "./seams/clock.ts";

export interface WallTime {
  year: number;
  /** From 1. */
  month: number;
  day: number;
  /** From 0, Sunday. */
  weekday: number;
  hour: number;
  minute: number;
  second: number;
}

/** Reads a clock in one time zone. */
export type WallClock = (at: Instant) => WallTime;

const clocks = new Map<string, WallClock>();
const clocksMax = 100;

/** The clock of a zone of the IANA database: `Europe/Berlin`, `UTC`. Throws RangeError for an unknown one. */
export function wallClock(zone: string): WallClock {
  const known = clocks.get(zone);
  if (known !== undefined) return known;
  const made = zone === "UTC" ? utc : clockOf(zone);
  if (clocks.size >= clocksMax) clocks.clear();
  clocks.set(zone, made);
  return made;
}

function utc(at: Instant): WallTime {
  const date = new Date(at);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

function clockOf(zone: string): WallClock {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return (at) => {
    const [month, day, year, hour, minute, second] = format.format(at).match(/\d+/g)!.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    return { year, month, day, weekday, hour, minute, second };
  };
}

/** `2026-01-02T03:04:05+01:00`, or with `Z` in UTC. */
export function rfc3339In(zone: string, at: Instant): string {
  const { year, month, day, hour, minute, second } = wallClock(zone)(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const shown = Date.UTC(year, month - 1, day, hour, minute, second);
  const offset = Math.round((shown - Math.floor(at / 1000) * 1000) / 60_000);
  const ahead = Math.abs(offset);
  const sign = offset < 0 ? "-" : "+";
  const suffix = offset === 0 ? "Z" : `${sign}${two(Math.trunc(ahead / 60))}:${two(ahead % 60)}`;
  const date = `${String(year).padStart(4, "0")}-${two(month)}-${two(day)}`;
  return `${date}T${two(hour)}:${two(minute)}:${two(second)}${suffix}`;
}
