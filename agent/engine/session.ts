/** Conversations with processes in containers (exec, attach) over a connection that the engine has given away. */
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { Chunk, StreamSession } from "./engine.ts";
import { demux, plain } from "./demux.ts";

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
    write: (data) => write(duplex, data),
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
    yield* (tty ? plain : demux)(bytes(duplex));
  } finally {
    duplex.destroy();
    finish();
  }
}

/** The readable side by hand: a stream's own iterator would throw for a connection that was closed on this side. */
async function* bytes(duplex: Duplex): AsyncGenerator<Uint8Array> {
  for (;;) {
    const chunk: Uint8Array | null = duplex.read();
    if (chunk !== null) {
      yield chunk;
      continue;
    }
    if (duplex.readableEnded || duplex.destroyed) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        for (const event of ["readable", "end", "close"]) duplex.off(event, wake);
        resolve();
      };
      for (const event of ["readable", "end", "close"]) duplex.on(event, wake);
    });
  }
}

async function write(duplex: Duplex, data: Uint8Array): Promise<void> {
  if (duplex.destroyed || duplex.writableEnded) return;
  if (duplex.write(Buffer.from(data.buffer, data.byteOffset, data.byteLength))) return;
  await new Promise<void>((resolve) => {
    const wake = () => {
      duplex.off("drain", wake);
      duplex.off("close", wake);
      resolve();
    };
    duplex.on("drain", wake);
    duplex.on("close", wake);
  });
}
