import assert from "assert";
import { humanDuration } from "./duration.ts";

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour, year = 365 * day;

Deno.test("humanDuration() shows two units where the larger is small", () => {
  const table: [number, string][] = [
    [-2 * second, "<invalid>"],
    [-second, "0s"],
    [-1, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [9 * minute + 59 * second, "9m59s"],
    [10 * minute + 30 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [7 * hour + 59 * minute, "7h59m"],
    [8 * hour + 59 * minute, "8h"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [2 * day + hour, "2d1h"],
    [8 * day + hour, "8d"],
    [2 * year - hour, "729d"],
    [2 * year, "2y"],
    [2 * year + day, "2y1d"],
    [8 * year + day, "8y"],
  ];
  for (const [ms, text] of table) assert.equal(humanDuration(ms), text, `${ms}`);
});
