import assert from "assert";
import { normalizeMicroTime, normalizeTime } from "./time.ts";

Deno.test("normalizeTime() writes UTC in whole seconds", () => {
  const table: Record<string, string> = {
    "2026-01-02T03:04:05Z": "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05.999Z": "2026-01-02T03:04:05Z",
    "2026-01-02T03:04:05+02:00": "2026-01-02T01:04:05Z",
    "2026-01-01T00:04:05.1+01:30": "2025-12-31T22:34:05Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00Z",
    "2024-02-29T00:00:00-00:30": "2024-02-29T00:30:00Z",
  };
  for (const [text, want] of Object.entries(table)) assert.equal(normalizeTime(text), want);
  assert.equal(normalizeMicroTime("2026-01-02T03:04:05.123456+01:00"), "2026-01-02T02:04:05.123456Z");
});

Deno.test("normalizeTime() refuses other texts in Go's words", () => {
  const layout = '"2006-01-02T15:04:05Z07:00"';
  const table: [string, string][] = [
    ["", `parsing time "" as ${layout}: cannot parse "" as "2006"`],
    ["soon", `parsing time "soon" as ${layout}: cannot parse "soon" as "2006"`],
    ["2026-01-02", `parsing time "2026-01-02" as ${layout}: cannot parse "" as "T"`],
    ["2026-13-02T00:00:00Z", 'parsing time "2026-13-02T00:00:00Z": month out of range'],
    ["2026-02-29T00:00:00Z", 'parsing time "2026-02-29T00:00:00Z": day out of range'],
    ["2026-01-02T24:00:00Z", 'parsing time "2026-01-02T24:00:00Z": hour out of range'],
    ["2026-01-02T00:00:00", `parsing time "2026-01-02T00:00:00" as ${layout}: cannot parse "" as "Z07:00"`],
    ["2026-01-02T00:00:00Zx", 'parsing time "2026-01-02T00:00:00Zx": extra text: "x"'],
  ];
  for (const [text, message] of table) assert.throws(() => normalizeTime(text), { message }, text);
  assert.throws(() => normalizeMicroTime("2026-01-02T00:00:00Z"), /cannot parse "Z" as "\.000000"/);
});
