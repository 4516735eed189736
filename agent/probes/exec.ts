/** Commands inside of a container with a time limit: exec probes and exec hooks. */
import { probeOutputBytesMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Engine } from "../engine/engine.ts";
import type { Outcome } from "./machine.ts";

export interface ExecRun {
  /** Undefined when it did not end in time. */
  readonly exitCode: number | undefined;
  readonly output: string;
}

/** Rejects with the engine's error when it cannot be run at all. */
export async function execCommand(
  engine: Pick<Engine, "exec">,
  { containerId, command }: { containerId: string; command: readonly string[] },
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<ExecRun> {
  let cancel = () => {};
  const timeout = new Promise<undefined>((resolve) => cancel = clock.after(timeoutMs, () => resolve(undefined)));
  const opening = engine.exec(containerId, { command });
  const session = await Promise.race([opening, timeout]);
  if (session === undefined) {
    // It may still open: then it is left at once.
    opening.then((late) => late.close(), () => {});
    return { exitCode: undefined, output: "" };
  }
  let output = "";
  const decoder = new TextDecoder();
  const reading = (async () => {
    for await (const { data } of session.output) {
      if (output.length < probeOutputBytesMax) output += decoder.decode(data, { stream: true });
    }
  })();
  try {
    const exitCode = await Promise.race([reading.then(() => session.exitCode), timeout]);
    return { exitCode, output: output.slice(0, probeOutputBytesMax) };
  } finally {
    cancel();
    session.close();
    session.exitCode.catch(() => {}); // asked for above, unless time was up
    reading.catch(() => {});
  }
}

export async function probeExec(
  engine: Pick<Engine, "exec">,
  target: { containerId: string; command: readonly string[] },
  limits: { timeoutMs: number; clock: Clock },
): Promise<Outcome> {
  try {
    const { exitCode, output } = await execCommand(engine, target, limits);
    if (exitCode === 0) return { result: "success", message: output };
    if (exitCode !== undefined) return { result: "failure", message: output };
    const seconds = limits.timeoutMs / 1000;
    return {
      result: "failure",
      message: `command timed out: ${JSON.stringify(target.command.join(" "))} timed out after ${seconds}s`,
    };
  } catch (error) {
    return { result: "unknown", message: error instanceof Error ? error.message : String(error) };
  }
}
