/** Decoders of what engines send: the framing of output without a terminal, and JSON lines. */
import { engineLineBytesMax } from "../../lib/limits.ts";
import type { Chunk } from "./engine.ts";

/**
 * Output of a container without a terminal: frames of `[stream, 0, 0, 0, length (32 bits)] data`, cut anywhere. Frames are
 * passed on in pieces as they come, so that a large one is never held.
 */
export async function* demux(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Chunk> {
  const header = new Uint8Array(8);
  let have = 0;
  let left = 0;
  let stream: Chunk["stream"] = "stdout";
  for await (const part of bytes) {
    let at = 0;
    while (at < part.length) {
      if (left === 0) {
        const take = Math.min(8 - have, part.length - at);
        header.set(part.subarray(at, at + take), have);
        have += take;
        at += take;
        if (have < 8) break;
        have = 0;
        left = new DataView(header.buffer).getUint32(4);
        stream = header[0] === 2 ? "stderr" : "stdout";
        continue;
      }
      const take = Math.min(left, part.length - at);
      yield { stream, data: part.subarray(at, at + take) };
      left -= take;
      at += take;
    }
  }
}

/** Output of a container with a terminal: all of it is standard output. */
export async function* plain(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Chunk> {
  for await (const data of bytes) yield { stream: "stdout", data };
}

/** One value per line. Throws SyntaxError for a line that is not JSON, RangeError for one that is too long. */
export async function* jsonLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Record<string, unknown>> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const part of bytes) {
    rest += decoder.decode(part, { stream: true });
    const lines = rest.split("\n");
    rest = lines.pop()!;
    if (rest.length > engineLineBytesMax) throw new RangeError(`a line of more than ${engineLineBytesMax} characters`);
    for (const line of lines) if (line.trim() !== "") yield JSON.parse(line);
  }
  if (rest.trim() !== "") yield JSON.parse(rest);
}
