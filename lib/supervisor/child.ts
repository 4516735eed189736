/** One child process that is kept running: restarted when it ends, after a backoff that starts over once it has been stable. */
import { backoffMs } from "../queue/backoff.ts";
import { type Clock, sleep } from "../seams/clock.ts";
import type { Child, Processes } from "../seams/process.ts";

export interface ChildSpec {
  name: string;
  command: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

export interface Supervised {
  /** Process id of the present run, `undefined` between runs. */
  readonly pid: number | undefined;
  readonly name: string;
  /** Ends it with SIGTERM, with SIGKILL after `graceMs`. */
  stop(): Promise<void>;
}

export interface SuperviseOptions {
  processes: Processes;
  clock: Clock;
  onLine(name: string, line: string): void;
  graceMs: number;
  /** A run has begun. */
  onStart?(spec: ChildSpec, pid: number): void;
  /** Called when it has ended by itself; false leaves it so. Default: it is started again. */
  again?(spec: ChildSpec, ending: { code: number; lastLine: string }): boolean;
}

const backoff = { baseMs: 100, maxMs: 5_000 };
/** A run this long was a good one. */
const stableMs = 30_000;

/** Starts the child and keeps it running until stop(). */
export function supervise(spec: ChildSpec, options: SuperviseOptions): Supervised {
  const { processes, clock, onLine, graceMs, onStart, again = () => true } = options;
  const stopping = new AbortController();
  let child: Child | undefined;

  async function keepRunning(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted;) {
      const started = clock.now();
      let lastLine = "";
      child = processes.spawn(spec.command, {
        env: { ...spec.env },
        cwd: spec.cwd,
        onLine: (line) => onLine(spec.name, lastLine = line),
      });
      onStart?.(spec, child.pid);
      const code = await child.ended;
      child = undefined;
      if (stopping.signal.aborted || !again(spec, { code, lastLine })) return;
      if (clock.now() - started > stableMs) failures = 0;
      const delay = backoffMs(backoff, failures++);
      onLine(spec.name, `ended with exit code ${code}; starting again in ${delay} ms`);
      await sleep(clock, delay, stopping.signal);
    }
  }
  const running = keepRunning();
  return {
    name: spec.name,
    get pid() {
      return child?.pid;
    },
    async stop() {
      stopping.abort();
      child?.kill("SIGTERM");
      const cancel = clock.after(graceMs, () => child?.kill("SIGKILL"));
      await running;
      cancel();
    },
  };
}
