import assert from "assert";
import { formatGoDuration, parseGoDuration } from "./go_duration.ts";

Deno.test("formatGoDuration() and parseGoDuration() agree with Go", () => {
  const table: [number, string][] = [
    [0, "0s"],
    [250, "250ms"],
    [1000, "1s"],
    [15_032, "15.032s"],
    [62_500, "1m2.5s"],
    [3_600_000, "1h0m0s"],
    [-1500, "-1.5s"],
  ];
  for (const [ms, text] of table) {
    assert.equal(formatGoDuration(ms), text);
    assert.equal(parseGoDuration(text), ms);
  }
  for (const text of ["", "s", "5", "1x", "1s2"]) assert.equal(parseGoDuration(text), undefined, text);
});
