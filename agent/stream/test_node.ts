/** A node's server with streams on a fake engine, and clients for it. For tests only. */
import http from "node:http";
import type { Duplex } from "node:stream";
import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "../../lib/seams/clock.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import { statusError } from "../../lib/status.ts";
import { FakeEngine } from "../engine/fake.ts";
import type { FakeProgram } from "../engine/fake_process.ts";
import { SpdyConnection, type SpdyStream } from "./spdy.ts";
import { createStreams, type Streams, type StreamTarget } from "./streams.ts";
import { socketTransport } from "./transport.ts";

export interface TestNode {
  readonly engine: FakeEngine;
  readonly streams: Streams;
  readonly port: number;
  readonly containerId: string;
  /** Removed by stop(). */
  readonly runDirectory: string;
  stop(): Promise<void>;
}

const programs: Record<string, FakeProgram> = {
  /** Tells each size of its terminal, until its input ends. */
  async sizes(process) {
    let told = "";
    const tell = () => {
      const size = process.size === undefined ? "" : `${process.size.width}x${process.size.height}`;
      if (size !== told) process.write("stdout", `${size}\n`);
      told = size;
    };
    for await (const data of process.stdin) {
      if (new TextDecoder().decode(data).includes("q")) break;
      tell();
    }
    return 0;
  },
};

/** Pod `default/web` with a container `c` that runs `main`. Others are not found. */
export async function startNode(
  options: {
    clock?: Clock;
    main?: string[];
    address?: StreamTarget["address"];
    stdinOnce?: boolean;
    onRequest?: http.RequestListener;
    rewrite?: (url: string) => string;
  } = {},
): Promise<TestNode> {
  const { stdinOnce = true } = options;
  const clock = options.clock ?? systemClock;
  const engine = new FakeEngine({ clock, programs });
  engine.addImage("localhost/test:1");
  const containerId = await engine.create({
    name: "c",
    image: "localhost/test:1",
    command: options.main ?? ["serve"],
    networkMode: "none",
    openStdin: true,
    stdinOnce,
  });
  await engine.start(containerId);
  const runDirectory = await Deno.makeTempDir({ prefix: "sauropod-streams-" });
  const streams = createStreams({
    engine,
    clock,
    processes: systemProcesses,
    runDirectory,
    resolve: async ({ namespace, pod, container }) => {
      if (namespace !== "default" || pod !== "web") throw statusError("NotFound", `pods "${pod}" not found`);
      if (container !== undefined && container !== "c") {
        throw statusError("BadRequest", `container ${container} is not valid for pod ${pod}`);
      }
      return {
        containerId,
        uid: "1-2-3",
        stdinOnce,
        address: options.address ?? { pid: Deno.pid, ip: "127.0.0.1", hostNetwork: true },
      };
    },
  });
  const server = http.createServer(options.onRequest ?? ((_request, response) => response.writeHead(404).end()));
  const sockets = new Set<Duplex>();
  server.on("upgrade", (request, socket: Duplex, head) => {
    sockets.add(socket);
    if (options.rewrite !== undefined) request.url = options.rewrite(request.url ?? "/");
    if (!streams.handleUpgrade(request, socket, head)) socket.end("HTTP/1.1 404 Not Found\r\n\r\n");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    engine,
    streams,
    containerId,
    runDirectory,
    port: (server.address() as { port: number }).port,
    async stop() {
      await streams.close();
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await engine.remove(containerId, { force: true });
      await Deno.remove(runDirectory, { recursive: true });
    },
  };
}

export interface SpdyClient {
  readonly connection: SpdyConnection;
  readonly protocol: string;
  open(headers: Record<string, string>): Promise<SpdyStream>;
  close(): void;
  readonly ended: Promise<void>;
}

/** Upgrades like kubectl up to 1.29; a refusal is thrown as `code message`. */
export async function spdyClient(port: number, path: string, protocols: readonly string[]): Promise<SpdyClient> {
  const request = http.request({
    host: "127.0.0.1",
    port,
    path,
    method: "POST",
    headers: { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": protocols.join(", ") },
  });
  const answer = await new Promise<{ socket: Duplex; head: Uint8Array; protocol: string }>((resolve, reject) => {
    request.on("error", reject);
    request.on("upgrade", (response, socket: Duplex, head: Uint8Array) => {
      resolve({ socket, head, protocol: String(response.headers["x-stream-protocol-version"]) });
    });
    request.on("response", async (response) => {
      let text = "";
      for await (const part of response) text += part;
      reject(new Error(`${response.statusCode} ${JSON.parse(text).message}`));
    });
    request.end();
  });
  const connection = new SpdyConnection(socketTransport(answer.socket, answer.head), () => {});
  const ended = connection.run();
  return {
    connection,
    protocol: answer.protocol,
    open: (headers) => connection.open(headers),
    close: () => answer.socket.destroy(),
    ended,
  };
}

export async function readAll(from: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(from)).toString();
}
