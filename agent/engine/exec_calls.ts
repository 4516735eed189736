/** The engine's API for exec and attach. */
import { sleep } from "../../lib/seams/clock.ts";
import { engineQueryTimeoutMs, execEndPollMs, execEndTimeoutMs } from "../../lib/limits.ts";
import type { Api } from "./api.ts";
import { answerError } from "./answer_error.ts";
import { containerPath, need } from "./container_calls.ts";
import type { AttachOptions, Engine, ExecOptions, ExecSession, StreamSession } from "./engine.ts";
import { EngineError, isEngineError } from "./error.ts";
import type { Call } from "./http.ts";
import { createSession } from "./session.ts";

interface ExecAnswer {
  Running: boolean;
  ExitCode: number | null;
  Pid: number;
}

type Size = { width: number; height: number };

export function execCalls(api: Api): Pick<Engine, "exec" | "attach"> {
  return {
    exec: (id, options) => exec(api, id, options),
    attach: (id, options) => attach(api, id, options),
  };
}

async function exec(api: Api, id: string, options: ExecOptions): Promise<ExecSession> {
  const tty = options.tty ?? false;
  const create = {
    method: "POST",
    path: containerPath(id, "/exec"),
    operation: "exec",
    subject: id,
    json: {
      Cmd: options.command,
      Tty: tty,
      AttachStdin: options.stdin ?? false,
      AttachStdout: true,
      AttachStderr: true,
      Env: options.env,
      User: options.user,
      WorkingDir: options.workingDir,
    },
  } as const;
  const { Id: execId } = await api.json<{ Id: string }>(create, engineQueryTimeoutMs);
  const start: Call = {
    method: "POST",
    path: `/exec/${execId}/start`,
    operation: "exec",
    subject: id,
    json: { Detach: false, Tty: tty },
  };
  const inspect = () => {
    const call = { method: "GET", path: `/exec/${execId}/json`, operation: "exec", subject: id } as const;
    return api.json<ExecAnswer>(call, engineQueryTimeoutMs);
  };
  const { session, ended } = await open(api, start, tty, (size) => resize(api, `/exec/${execId}`, id, size));
  let closed = false;
  const exitCode = ended.then(() => closed ? Promise.reject(left(id)) : ending(api, id, inspect));
  // Who only wants the output need not look at it.
  exitCode.catch(() => {});
  return {
    ...session,
    exitCode,
    close() {
      closed = true;
      session.close();
    },
    kill: () => kill(inspect),
  };
}

function left(id: string): EngineError {
  return new EngineError("engine", "exec", id, "the session was closed before the process ended");
}

/** The exit code, once the engine has it: some moments after the output has ended. */
async function ending(api: Api, id: string, inspect: () => Promise<ExecAnswer>): Promise<number> {
  const deadline = api.clock.now() + execEndTimeoutMs;
  for (;;) {
    const answer = await inspect();
    if (!answer.Running && answer.ExitCode !== null) return answer.ExitCode;
    if (api.clock.now() >= deadline) {
      throw new EngineError("timeout", "exec", id, "its output has ended, but the process has not");
    }
    await sleep(api.clock, execEndPollMs);
  }
}

/** The API can't end an exec'd process, so it is done by its id on the host. */
async function kill(inspect: () => Promise<ExecAnswer>): Promise<void> {
  const answer = await inspect();
  if (!answer.Running || answer.Pid <= 1) return;
  try {
    Deno.kill(answer.Pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
  }
}

async function attach(api: Api, id: string, options: AttachOptions): Promise<StreamSession> {
  const state = await need(api, "attach", id);
  if (state.status !== "running") throw new EngineError("not_running", "attach", id, `it is ${state.status}`);
  const query = new URLSearchParams({
    stream: "true",
    stdin: String(options.stdin ?? false),
    stdout: String(options.stdout ?? true),
    stderr: String(options.stderr ?? true),
  });
  // Without a body: Podman would hand it to the container as input.
  const call: Call = { method: "POST", path: containerPath(id, `/attach?${query}`), operation: "attach", subject: id };
  const { session } = await open(api, call, state.tty, (size) => resize(api, containerPath(id, ""), id, size));
  return session;
}

async function open(api: Api, call: Call, tty: boolean, resize: (size: Size) => Promise<void>) {
  const answer = await api.http.upgrade({ ...call, path: api.versioned(call.path) });
  if ("status" in answer) throw answerError(call, answer, api.quirks);
  return createSession(answer.duplex, { tty, resize });
}

async function resize(api: Api, path: string, subject: string, size: Size): Promise<void> {
  if (size.width < 1 || size.height < 1) return;
  const query = `?h=${Math.trunc(size.height)}&w=${Math.trunc(size.width)}`;
  try {
    await api.ok(
      { method: "POST", path: `${path}/resize${query}`, operation: "resize", subject },
      engineQueryTimeoutMs,
    );
  } catch (error) {
    // It has ended, or has no terminal: a size means nothing to it. Engines have many words for that.
    if (!isEngineError(error) || isEngineError(error, "unavailable", "timeout")) throw error;
  }
}
