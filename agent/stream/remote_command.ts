/**
 * What exec and attach have to do with a client, whatever protocol it speaks: spdy_command.ts and websocket_command.ts make
 * one of these of a connection, command.ts joins it to a process.
 */
import type { Status } from "../../lib/status.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface CommandOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

export interface RemoteCommand {
  /** Ends with the client's end of file, or when it leaves. Empty when it wants none. */
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Sizes of its terminal. */
  readonly resize: AsyncIterable<Size>;
  /** No-ops for a stream that the client does not want. Resolve when there is room for more. */
  write(stream: "stdout" | "stderr", data: Uint8Array): Promise<void>;
  /** Says how it ended, and closes. */
  finish(status: Status): Promise<void>;
  /** The client has left. */
  readonly closed: Promise<void>;
}

/** `{"Width":80,"Height":24}`: undefined for anything else, which is ignored as Kubernetes does. */
export function parseSize(text: string): Size | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    const fine = (n: unknown): n is number => typeof n === "number" && Number.isInteger(n) && n > 0 && n < 65536;
    return fine(Width) && fine(Height) ? { width: Width, height: Height } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Sizes from a stream of JSON values, cut anywhere. Only what comes between braces counts. */
export async function* sizes(input: AsyncIterable<Uint8Array>): AsyncGenerator<Size> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const data of input) {
    rest += decoder.decode(data, { stream: true });
    for (let end = rest.indexOf("}"); end >= 0; end = rest.indexOf("}")) {
      const size = parseSize(rest.slice(0, end + 1));
      rest = rest.slice(end + 1);
      if (size !== undefined) yield size;
    }
    // A size has some 30 characters.
    if (rest.length > 1024) rest = "";
  }
}

export const success: Status = { metadata: {}, status: "Success" } as Status;

/** A command that ended with another code than 0, in the kubelet's words. */
export function exitStatus(command: readonly string[], code: number): Status {
  if (code === 0) return success;
  return {
    metadata: {},
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with non-zero exit code: error executing command [${
      command.join(" ")
    }], exit code ${code}`,
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  } as Status;
}

/** An error that is not the command's own. */
export function internalStatus(message: string): Status {
  return {
    metadata: {},
    status: "Failure",
    reason: "InternalError",
    message: `Internal error occurred: ${message}`,
    details: { causes: [{ message }] },
    code: 500,
  } as Status;
}
