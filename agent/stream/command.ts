/** Joins a client (RemoteCommand) to a process in a container: exec and attach. */
import type { Engine, StreamSession } from "../engine/engine.ts";
import { isEngineError } from "../engine/error.ts";
import { exitStatus, internalStatus, type RemoteCommand, success } from "./remote_command.ts";
import type { CommandOptions } from "./remote_command.ts";
import type { Status } from "../../lib/status.ts";

export interface CommandTarget {
  readonly engine: Engine;
  readonly containerId: string;
  /** The container's own input ends with that of who attaches. */
  readonly stdinOnce?: boolean;
}

/** Runs a command and stays until it ends or its client leaves. Reports its own failures to the client. */
export async function runExec(
  remote: RemoteCommand,
  target: CommandTarget,
  options: CommandOptions & { command: readonly string[] },
): Promise<void> {
  try {
    const session = await target.engine.exec(target.containerId, {
      command: options.command,
      tty: options.tty,
      stdin: options.stdin,
    });
    await join(remote, session, () => session.closeStdin());
    await remote.finish(exitStatus(options.command, await session.exitCode));
  } catch (error) {
    await remote.finish(failure("error executing command in container", error));
  }
}

/** Attaches to the container's first process and stays until it ends or the client leaves. */
export async function runAttach(remote: RemoteCommand, target: CommandTarget, options: CommandOptions): Promise<void> {
  try {
    const { stdin, stdout, stderr } = options;
    // With a terminal there is one output, and it is the standard one.
    const session = await target.engine.attach(target.containerId, { stdin, stdout: stdout || options.tty, stderr });
    // Where input stays open there is no end to tell of; and engines differ in what else they end then (Docker: the output, too).
    await join(remote, session, () => target.stdinOnce === true && session.closeStdin());
    await remote.finish(success);
  } catch (error) {
    await remote.finish(failure("error attaching to container", error));
  }
}

/** Carries bytes until the output ends. A client that leaves ends it. */
async function join(remote: RemoteCommand, session: StreamSession, onInputEnd: () => void): Promise<void> {
  let left = false;
  void remote.closed.then(() => {
    left = true;
    session.close();
  });
  const input = (async () => {
    for await (const data of remote.stdin) await session.write(data);
    // A client that has left says nothing about the end of its input.
    if (!left) onInputEnd();
  })();
  const resize = (async () => {
    for await (const size of remote.resize) await session.resize(size);
  })();
  // They end with the client's streams; what fails in them shows in the output, too.
  input.catch(() => {});
  resize.catch(() => {});
  for await (const { stream, data } of session.output) await remote.write(stream, data);
}

function failure(what: string, error: unknown): Status {
  if (!isEngineError(error)) return internalStatus(`${what}: ${error instanceof Error ? error.message : error}`);
  return internalStatus(`${what}: ${error.detail}`);
}
