/** The memory that starting a process leaves behind. */
import process from "node:process";
import { startGarbageBusy, startGarbageMs } from "./limits.ts";
import type { Clock } from "./seams/clock.ts";

type Collect = (options: { type: "major"; flavor: "last-resort" }) => void;

/**
 * Lets go of it, once, as soon as the process has little to do: up to half of its memory. V8 does so by itself only some time after its
 * next full collection, and to a quiet process that never comes. Takes a tenth of a second, in which nothing else is done. Without
 * `--v8-flags=--expose-gc` nothing happens.
 */
export function collectAfterStart(clock: Clock, used: () => number = usedMs): void {
  const { gc } = globalThis as { gc?: Collect };
  if (gc === undefined) return;
  const look = (before: number, ms: number) => {
    clock.after(ms, () => {
      const now = used();
      if ((now - before) / ms > startGarbageBusy) look(now, ms);
      else gc({ type: "major", flavor: "last-resort" });
    });
  };
  // The start itself is work.
  clock.after(startGarbageMs / 2, () => look(used(), startGarbageMs / 2));
}

/** What the processor has done for this process. */
function usedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
