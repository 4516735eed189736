import assert from "assert";
import { parseCron } from "./cron.ts";
import { nextTime } from "./cron_next.ts";
import { rfc3339In } from "./wall_clock.ts";

/** The next `count` times, as the zone's clocks show them. */
function times(text: string, after: string, zone: string, count: number): string[] {
  const schedule = parseCron(text);
  const found: string[] = [];
  for (let at: number | undefined = Date.parse(after); found.length < count;) {
    at = nextTime(schedule, at, zone);
    if (at === undefined) return [...found, "never"];
    found.push(rfc3339In(zone, at));
  }
  return found;
}

Deno.test("nextTime() is the next minute that matches", () => {
  const table: [string, string, string[]][] = [
    ["* * * * *", "2026-01-01T00:00:00Z", ["2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"]],
    ["* * * * *", "2026-01-01T00:00:59.900Z", ["2026-01-01T00:01:00Z"]],
    ["*/15 * * * *", "2026-01-01T00:50:30Z", ["2026-01-01T01:00:00Z", "2026-01-01T01:15:00Z"]],
    ["30 6-16/4 * * 1-5", "2026-01-02T14:30:00Z", ["2026-01-05T06:30:00Z", "2026-01-05T10:30:00Z"]],
    ["0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00Z"]],
    ["0 0 31 2 *", "2026-01-01T00:00:00Z", ["never"]],
    ["0 0 1 * *", "2026-12-15T00:00:00Z", ["2027-01-01T00:00:00Z"]],
    // Either day where both are restricted.
    ["0 0 13 * 5", "2026-02-01T00:00:00Z", ["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z", "2026-02-20T00:00:00Z"]],
    ["0 0 * * 0", "2026-01-01T00:00:00Z", ["2026-01-04T00:00:00Z"]],
    ["@yearly", "2026-06-01T00:00:00Z", ["2027-01-01T00:00:00Z"]],
    ["@every 90s", "2026-01-01T00:00:10.700Z", ["2026-01-01T00:01:40Z", "2026-01-01T00:03:10Z"]],
  ];
  for (const [text, after, expected] of table) {
    assert.deepEqual(times(text, after, "UTC", expected.length), expected, `${text} after ${after}`);
  }
});

Deno.test("nextTime() follows a zone's clocks", () => {
  const table: [string, string, string, string[]][] = [
    ["0 3 * * *", "2026-01-01T00:00:00Z", "Europe/Berlin", ["2026-01-01T03:00:00+01:00"]],
    ["0 3 * * *", "2026-07-01T02:00:00Z", "Europe/Berlin", ["2026-07-02T03:00:00+02:00"]],
    ["45 5 * * *", "2026-01-01T00:00:00Z", "Asia/Kathmandu", ["2026-01-02T05:45:00+05:45"]],
    // 29 March: 02:00 is followed by 03:00. 02:30 is not that day.
    ["30 2 * * *", "2026-03-28T12:00:00Z", "Europe/Berlin", ["2026-03-30T02:30:00+02:00"]],
    ["0 0 30 3 *", "2026-03-28T12:00:00Z", "Europe/Berlin", ["2026-03-30T00:00:00+02:00"]],
    // 25 October: 02:30 is twice.
    ["30 2 * * *", "2026-10-24T12:00:00Z", "Europe/Berlin", [
      "2026-10-25T02:30:00+02:00",
      "2026-10-25T02:30:00+01:00",
      "2026-10-26T02:30:00+01:00",
    ]],
    ["0 0 26 10 *", "2026-10-24T12:00:00Z", "Europe/Berlin", ["2026-10-26T00:00:00+01:00"]],
    // Clocks go from 24:00 to 01:00.
    ["0 * 8 3 *", "2026-03-07T12:00:00Z", "America/Havana", ["2026-03-08T01:00:00-04:00", "2026-03-08T02:00:00-04:00"]],
    // Half an hour is repeated.
    ["45 1 * * *", "2026-04-04T00:00:00Z", "Australia/Lord_Howe", [
      "2026-04-05T01:45:00+11:00",
      "2026-04-05T01:45:00+10:30",
    ]],
  ];
  for (const [text, after, zone, expected] of table) {
    assert.deepEqual(times(text, after, zone, expected.length), expected, `${text} in ${zone} after ${after}`);
  }
  assert.throws(() => nextTime(parseCron("* * * * *"), 0, "Mars/Olympus"), RangeError);
});
