/** RemoteCommand over SPDY/3.1 (kubectl up to 1.29, and those who fall back): a stream for each of the channels. */
import type { Clock } from "../../lib/seams/clock.ts";
import { streamCreationMs } from "../../lib/limits.ts";
import type { Status } from "../../lib/status.ts";
import { type CommandOptions, type RemoteCommand, sizes } from "./remote_command.ts";
import { SpdyConnection, type SpdyStream } from "./spdy.ts";
import type { Transport } from "./transport.ts";

/** In the order of preference. The first version of all (without a name) had no terminal sizes; nobody speaks it any more. */
export const spdyCommandProtocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
] as const;
export type SpdyCommandProtocol = (typeof spdyCommandProtocols)[number];

export interface SpdyCommand {
  readonly command: RemoteCommand;
  /** The connection's loop; ends when it does. */
  readonly running: Promise<void>;
}

/** Waits for the streams that the request named. Undefined when the client does not open them in time. */
export async function spdyCommand(
  transport: Transport,
  options: CommandOptions & { protocol: SpdyCommandProtocol; clock: Clock },
): Promise<SpdyCommand | undefined> {
  const streams = new Map<string, SpdyStream>();
  const wanted = wantedStreams(options);
  let complete!: (all: boolean) => void;
  const completed = new Promise<boolean>((resolve) => complete = resolve);
  const connection = new SpdyConnection(transport, (stream) => {
    const type = stream.headers["streamtype"] ?? "";
    if (!wanted.includes(type) || streams.has(type)) return void stream.reset("refused");
    if (type !== "stdin" && type !== "resize") stream.ignoreInput();
    streams.set(type, stream);
    if (streams.size === wanted.length) complete(true);
  });
  const cancel = options.clock.after(streamCreationMs, () => complete(false));
  const running = connection.run().finally(() => complete(false));
  // Who awaits it hears of what went wrong; until then it must not count as unhandled.
  running.catch(() => {});
  const all = await completed;
  cancel();
  if (all) return { command: commandOf(streams, transport, options.protocol), running };
  transport.close();
  return undefined;
}

function wantedStreams(options: CommandOptions & { protocol: SpdyCommandProtocol }): string[] {
  return [
    "error",
    ...(options.stdin ? ["stdin"] : []),
    ...(options.stdout ? ["stdout"] : []),
    ...(options.stderr ? ["stderr"] : []),
    ...(options.tty && options.protocol !== "v2.channel.k8s.io" ? ["resize"] : []),
  ];
}

function commandOf(
  streams: Map<string, SpdyStream>,
  transport: Transport,
  protocol: SpdyCommandProtocol,
): RemoteCommand {
  const resize = streams.get("resize");
  return {
    stdin: streams.get("stdin")?.input ?? nothing(),
    resize: resize === undefined ? nothing() : sizes(resize.input),
    write: async (stream, data) => await streams.get(stream)?.write(data),
    async finish(status) {
      const text = statusText(status, protocol);
      if (text !== "") await streams.get("error")!.write(new TextEncoder().encode(text));
      for (const type of ["error", "stdout", "stderr"]) await streams.get(type)?.end();
      transport.close();
    },
    closed: transport.closed,
  };
}

/** Before version 4 the error channel had a message, and nothing for success. */
export function statusText(status: Status, protocol: string): string {
  if (/^v[45]\./.test(protocol)) return JSON.stringify(status);
  return status.status === "Success" ? "" : status.message ?? "unknown error";
}

async function* nothing(): AsyncGenerator<never> {}
