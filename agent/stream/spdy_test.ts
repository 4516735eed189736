import assert from "assert";
import { constants, createDeflate } from "node:zlib";
import { Buffer } from "node:buffer";
import { concat } from "../images/tar.ts";
import { ByteQueue } from "./byte_queue.ts";
import { formatHeaders, SpdyConnection, SpdyError, type SpdyStream } from "./spdy.ts";
import { spdyDictionary } from "./spdy_dictionary.ts";
import type { Transport } from "./transport.ts";

/** Two ends of a connection in memory. */
function pipe(): [Transport, Transport] {
  const [there, back] = [new ByteQueue(), new ByteQueue()];
  let close!: () => void;
  const closed = new Promise<void>((resolve) => close = resolve);
  const end = (from: ByteQueue, to: ByteQueue): Transport => ({
    input: from,
    write: async (data) => to.push(data.slice()),
    close: () => {
      to.end();
      close();
    },
    closed,
  });
  return [end(back, there), end(there, back)];
}

function frame(type: number, payload: Uint8Array, flags = 0): Uint8Array {
  return concat([
    new Uint8Array([0x80, 3, 0, type, flags, payload.length >> 16, (payload.length >> 8) & 255, payload.length & 255]),
    payload,
  ]);
}

Deno.test("spdyDictionary() is that of the specification", () => {
  const dictionary = spdyDictionary();
  assert.equal(dictionary.length, 1423);
  // adler32 of the dictionary, as zlib puts it into the header of what was compressed with it (RFC 1950).
  let [a, b] = [1, 0];
  for (const byte of dictionary) [a, b] = [(a + byte) % 65521, (b + a + byte) % 65521];
  assert.equal(((b << 16) | a) >>> 0, 0xe3c6a7c2);
});

Deno.test("SpdyConnection reads headers that were compressed with the dictionary, cut anywhere", async () => {
  const deflate = createDeflate({ dictionary: spdyDictionary(), flush: constants.Z_SYNC_FLUSH });
  const compress = (headers: Record<string, string>) =>
    new Promise<Uint8Array>((resolve) => {
      const parts: Uint8Array[] = [];
      const keep = (part: Uint8Array) => parts.push(part);
      deflate.on("data", keep);
      deflate.write(Buffer.from(formatHeaders(headers)));
      deflate.flush(() => {
        deflate.off("data", keep);
        resolve(concat(parts));
      });
    });
  const synStream = async (id: number, headers: Record<string, string>) =>
    frame(1, concat([new Uint8Array([0, 0, 0, id, 0, 0, 0, 0, 0, 0]), await compress(headers)]));
  const bytes = concat([
    await synStream(1, { streamType: "error", port: "80", requestID: "0" }),
    await synStream(3, { streamtype: "data", port: "80", requestid: "0" }),
    new Uint8Array([0, 0, 0, 3, 1, 0, 0, 2, 104, 105]),
    frame(6, new Uint8Array([0, 0, 0, 1])),
    frame(9, new Uint8Array(8)),
    frame(4, new Uint8Array(4)),
  ]);
  for (const size of [1, 7, bytes.length]) {
    const [ours, theirs] = pipe();
    const streams: SpdyStream[] = [];
    const running = new SpdyConnection(ours, (stream) => streams.push(stream)).run();
    for (let at = 0; at < bytes.length; at += size) await theirs.write(bytes.subarray(at, at + size));
    theirs.close();
    await running;
    assert.deepEqual(streams.map((s) => ({ ...s.headers })), [
      { streamtype: "error", port: "80", requestid: "0" },
      { streamtype: "data", port: "80", requestid: "0" },
    ]);
    assert.equal(new TextDecoder().decode(concat(await Array.fromAsync(streams[1]!.input))), "hi");
    const answers = Buffer.from(concat(await Array.fromAsync(theirs.input)));
    assert.ok(answers.includes(Buffer.from([0x80, 3, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1])), "a ping is answered");
  }
  deflate.close();
});

Deno.test("SpdyConnection joins two ends: both directions, ends and resets", async () => {
  const [a, b] = pipe();
  const server = new SpdyConnection(b, async (stream) => {
    for await (const data of stream.input) await stream.write(data);
    await stream.end();
  });
  const client = new SpdyConnection(a, () => {});
  const running = Promise.all([server.run(), client.run()]);
  const data = Uint8Array.from({ length: 200_000 }, (_, i) => i % 253);
  const streams = await Promise.all([1, 2, 3].map((n) => client.open({ n: String(n) })));
  await Promise.all(streams.map(async (stream) => {
    const reading = Array.fromAsync(stream.input);
    await stream.write(data);
    await stream.end();
    assert.deepEqual(concat(await reading), data);
    await stream.closed;
  }));
  const reset = await client.open({ n: "4" });
  await reset.reset();
  await reset.write(data);
  assert.deepEqual(await Array.fromAsync(reset.input), []);
  a.close();
  await running;
});

Deno.test("SpdyConnection waits for a stream whose reader is slow, and not for one that has left", async () => {
  const [a, b] = pipe();
  const got: SpdyStream[] = [];
  const server = new SpdyConnection(b, (stream) => got.push(stream));
  const client = new SpdyConnection(a, () => {});
  const running = Promise.all([server.run(), client.run()]);
  const slow = await client.open({ n: "slow" });
  await slow.write(new Uint8Array(3 * 2 ** 20));
  const next = await client.open({ n: "next" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(got.length, 1, "the second stream waits behind the first one's bytes");
  got[0]!.ignoreInput();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(got.length, 2);
  await next.end();
  a.close();
  await running;
});

Deno.test("SpdyConnection ends at what is not SPDY", async () => {
  const cases: Record<string, Uint8Array> = {
    "a huge frame": new Uint8Array([0x80, 3, 0, 1, 0, 255, 255, 255]),
    "a short frame": frame(1, new Uint8Array(4)),
    "bad compression": frame(1, concat([new Uint8Array([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]), new Uint8Array([1, 2, 3, 4])])),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const [ours, theirs] = pipe();
    const running = new SpdyConnection(ours, () => assert.fail("no stream")).run();
    await theirs.write(bytes);
    await assert.rejects(running, SpdyError, what);
    await theirs.closed;
  }
});
