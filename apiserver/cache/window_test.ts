import assert from "assert";
import { StoredEntry } from "./entry.ts";
import { Window, type WindowLimits, windowLimits } from "./window.ts";

function filled(limits: Partial<WindowLimits>, events: { textLength?: number; at?: number }[]): Window {
  const window = new Window(0, { ...windowLimits, ...limits });
  for (const [i, { textLength = 1, at = 0 }] of events.entries()) {
    const revision = i + 1;
    const entry = new StoredEntry({ key: `k${i}`, revision, value: "x".repeat(textLength) });
    window.push({ type: "ADDED", revision, entry, previous: undefined }, at);
  }
  return window;
}

const revisions = (window: Window, after = 0) => window.since(after).map((event) => event.revision);

Deno.test("Window() is bounded in number", () => {
  const window = filled({ eventsMax: 3 }, Array.from({ length: 500 }, () => ({})));
  assert.deepEqual(revisions(window), [498, 499, 500]);
  assert.deepEqual([window.floor, window.size, window.bytes, window.last], [497, 3, 3, 500]);
  assert.deepEqual(revisions(window, 499), [500]);
  assert.deepEqual(revisions(window, 500), []);
});

Deno.test("Window() is bounded in bytes, but keeps the last event however large it is", () => {
  const window = filled({ bytesMax: 10 }, [{ textLength: 4 }, { textLength: 4 }, { textLength: 4 }]);
  assert.deepEqual([revisions(window), window.floor, window.bytes], [[2, 3], 1, 8]);
  assert.deepEqual(revisions(filled({ bytesMax: 10 }, [{ textLength: 4 }, { textLength: 40 }])), [2]);
});

Deno.test("sweep() lets go of old events down to a minimum", () => {
  const events = [{ at: 0 }, { at: 100 }, { at: 200 }, { at: 300 }, { at: 400 }];
  const check = (now: number, eventsMin: number, left: number[]) => {
    const window = filled({ ageMs: 100, eventsMin }, events);
    window.sweep(now);
    assert.deepEqual(revisions(window), left, `at ${now}`);
  };
  check(50, 0, [1, 2, 3, 4, 5]);
  check(250, 0, [3, 4, 5]);
  check(250, 4, [2, 3, 4, 5]);
  check(1_000, 2, [4, 5]);
  check(1_000, 0, []);
});

Deno.test("an empty Window() still knows its floor", () => {
  const window = filled({ ageMs: 1, eventsMin: 0 }, [{}, {}]);
  window.sweep(1_000);
  assert.deepEqual([window.floor, window.last, window.size], [2, 2, 0]);
});
