/** A node stream of both directions as an async iterable and an awaited write: back pressure without events. */
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";

/** The readable side by hand: a stream's own iterator would throw for a connection that was closed on this side. */
export async function* readDuplex(duplex: Duplex): AsyncGenerator<Uint8Array> {
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

/** Resolves when there is room for more. A no-op once it is closed. */
export async function writeDuplex(duplex: Duplex, data: Uint8Array): Promise<void> {
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
