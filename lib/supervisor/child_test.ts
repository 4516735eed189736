import assert from "assert";
import { FakeClock } from "../seams/clock.ts";
import type { Child, Processes } from "../seams/process.ts";
import { supervise } from "./child.ts";

/** Processes that end when the test says so. */
function fakeProcesses() {
  const runs: { end: (code: number) => void; signals: string[] }[] = [];
  const processes: Processes = {
    run: () => Promise.reject(new Error("nothing is run to its end here")),
    spawn(): Child {
      const { promise, resolve } = Promise.withResolvers<number>();
      const run = { end: resolve, signals: [] as string[] };
      runs.push(run);
      return { pid: runs.length, ended: promise, kill: (signal) => void run.signals.push(signal) };
    },
  };
  return { processes, runs };
}

const settled = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

Deno.test("supervise() starts a child again after a growing delay, and from the shortest once it was stable", async () => {
  const { processes, runs } = fakeProcesses();
  const clock = new FakeClock();
  const child = supervise({ name: "x", command: ["x"] }, { processes, clock, onLine: () => {}, graceMs: 1000 });
  for (const delay of [100, 200, 400]) {
    const before = runs.length;
    runs.at(-1)!.end(1);
    await settled();
    await clock.advance(delay - 1);
    assert.equal(runs.length, before, `not before ${delay} ms`);
    await clock.advance(1);
    assert.equal(runs.length, before + 1);
  }
  await clock.advance(31_000);
  runs.at(-1)!.end(1);
  await settled();
  await clock.advance(100);
  assert.equal(runs.length, 5);
  const stopped = child.stop();
  runs.at(-1)!.end(0);
  await stopped;
});

Deno.test("stop() asks a child to end, kills it after the grace, and does not start it again", async () => {
  const { processes, runs } = fakeProcesses();
  const clock = new FakeClock();
  const child = supervise({ name: "x", command: ["x"] }, { processes, clock, onLine: () => {}, graceMs: 1000 });
  const stopped = child.stop();
  assert.deepEqual(runs[0]!.signals, ["SIGTERM"]);
  await clock.advance(1000);
  assert.deepEqual(runs[0]!.signals, ["SIGTERM", "SIGKILL"]);
  runs[0]!.end(137);
  await stopped;
  await clock.advance(60_000);
  assert.equal(runs.length, 1);
});

Deno.test("supervise() leaves a child ended when it is told so, with the last line that it said", async () => {
  const { runs, processes } = fakeProcesses();
  const clock = new FakeClock();
  const heard: unknown[] = [];
  const spawn: Processes["spawn"] = (command, options) => {
    options?.onLine?.("no such socket");
    return processes.spawn(command, options);
  };
  const child = supervise({ name: "x", command: ["x"] }, {
    processes: { ...processes, spawn },
    clock,
    onLine: () => {},
    graceMs: 1000,
    again: ({ name }, ending) => heard.push([name, ending]) === 0,
  });
  runs[0]!.end(2);
  await settled();
  await clock.advance(60_000);
  assert.deepEqual(heard, [["x", { code: 2, lastLine: "no such socket" }]]);
  assert.equal(runs.length, 1);
  await child.stop();
});
