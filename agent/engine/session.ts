/** Conversations with processes in containers (exec, attach) over a connection that the engine has given away. */
import type { Duplex } from "node:stream";
import type { Chunk, StreamSession } from "./engine.ts";
import { demux, plain } from "./demux.ts";
import { readDuplex, writeDuplex } from "./duplex.ts";

export interface SessionOptions {
  readonly tty: boolean;
  readonly resize: (size: { width: number; height: number }) => Promise<void>;
}

/** A session, and `ended`: resolved once its output was read to the end or the session was closed. */
export function createSession(
  duplex: Duplex,
  options: SessionOptions,
): { session: StreamSession; ended: Promise<void> } {
  let finish!: () => void;
  const ended = new Promise<void>((resolve) => finish = resolve);
  // A connection that breaks ends the output; an error event without a listener would end the whole process.
  duplex.on("error", () => duplex.destroy());
  duplex.once("close", finish);
  const session: StreamSession = {
    output: output(duplex, options.tty, finish),
    write: (data) => writeDuplex(duplex, data),
    closeStdin() {
      if (!duplex.destroyed && !duplex.writableEnded) duplex.end();
    },
    resize: options.resize,
    close: () => {
      duplex.destroy();
      finish();
    },
  };
  return { session, ended };
}

async function* output(duplex: Duplex, tty: boolean, finish: () => void): AsyncGenerator<Chunk> {
  try {
    yield* (tty ? plain : demux)(readDuplex(duplex));
  } finally {
    duplex.destroy();
    finish();
  }
}
