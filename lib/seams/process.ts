/** Other programs. The only caller of Deno.Command for programs that run and end; children that stay are `spawn`ed. */

export interface Output {
  /** Exit code, 128 + n when signal n ended it. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface Child {
  readonly pid: number;
  /** Exit code, once it has ended. */
  readonly ended: Promise<number>;
  kill(signal: Deno.Signal): void;
}

export interface SpawnOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** Called with each line of standard output and standard error, without its newline. */
  onLine?: (line: string) => void;
}

export interface Processes {
  /** Runs to the end. Rejects only when the program cannot be started; a failing exit code is an answer. */
  run(command: readonly string[], options?: { stdin?: string; signal?: AbortSignal }): Promise<Output>;
  spawn(command: readonly string[], options?: SpawnOptions): Child;
}

/** A program ended with an exit code that its caller did not expect. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(readonly command: readonly string[], readonly output: Output) {
    super(
      `${command.slice(0, 3).join(" ")}: exit code ${output.code}: ${
        (output.stderr || output.stdout).trim().slice(0, 2000)
      }`,
    );
  }
}

/** Standard output of a command that must succeed. Throws CommandError. */
export async function output(
  processes: Processes,
  command: readonly string[],
  options?: { stdin?: string; signal?: AbortSignal },
): Promise<string> {
  const result = await processes.run(command, options);
  if (result.code !== 0) throw new CommandError(command, result);
  return result.stdout;
}

const decoder = new TextDecoder();

export const systemProcesses: Processes = {
  async run([program, ...args], options = {}) {
    const child = new Deno.Command(program!, {
      args,
      stdin: options.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      signal: options.signal,
    }).spawn();
    if (options.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      // A program that ends before it has read all of its input has said why on standard error.
      await writer.write(new TextEncoder().encode(options.stdin)).catch(() => {});
      await writer.close().catch(() => {});
    }
    const { code, stdout, stderr } = await child.output();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  },

  spawn([program, ...args], options = {}) {
    const piped = options.onLine === undefined ? "inherit" : "piped";
    const child = new Deno.Command(program!, {
      args,
      env: options.env,
      cwd: options.cwd,
      stdin: "null",
      stdout: piped,
      stderr: piped,
    }).spawn();
    if (options.onLine !== undefined) {
      void eachLine(child.stdout, options.onLine);
      void eachLine(child.stderr, options.onLine);
    }
    return {
      pid: child.pid,
      ended: child.status.then((s) => s.code),
      kill(signal) {
        try {
          child.kill(signal);
        } catch (error) {
          // It has ended already: what the caller wants.
          if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
        }
      },
    };
  },
};

async function eachLine(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  const lines = new TextDecoder();
  for await (const chunk of stream) {
    const parts = (rest + lines.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    for (const line of parts) onLine(line);
  }
  if (rest !== "") onLine(rest);
}
