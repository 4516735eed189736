/**
 * The node's streaming endpoints, as the kubelet has them:
 *
 *   /exec/{namespace}/{pod}/{container}?command=…   /attach/…   /portForward/{namespace}/{pod}   (upgrades)
 *   GET /containerLogs/{namespace}/{pod}/{container}
 *
 * The API server tunnels its client's bytes to them, so every protocol of every client is spoken here. Who may ask is
 * decided before (the node's server authorises each request).
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { getLogger } from "log";
import { streamIdleMs, streamMessageBytesMax, streamSessionsMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { StatusError, statusError } from "../../lib/status.ts";
import type { Engine } from "../engine/engine.ts";
import { isEngineError } from "../engine/error.ts";
import { runAttach, runExec } from "./command.ts";
import { logStream, parseLogQuery } from "./logs.ts";
import { parseCommandOptions, parsePorts, parseStreamPath, type Purpose, type StreamRequest } from "./paths.ts";
import { createPodDialer, type PodAddress } from "./pod_dialer.ts";
import { forwardChannels, forwardSpdy } from "./port_forward.ts";
import { spdyCommand, spdyCommandProtocols } from "./spdy_command.ts";
import { socketTransport, type Transport, webSocketTransport } from "./transport.ts";
import { webSocketCommand, webSocketCommandProtocols } from "./websocket_command.ts";

/** What a request is about, once found on this node. */
export interface StreamTarget {
  /** Of the container; not looked at for port-forward. */
  readonly containerId: string;
  readonly uid: string;
  readonly address: PodAddress;
  /** Of the container: its input ends with that of the first client that attaches. Otherwise it stays open for the next one. */
  readonly stdinOnce?: boolean;
}

export interface StreamQuestion {
  readonly purpose: Purpose;
  readonly namespace: string;
  readonly pod: string;
  /** Undefined for port-forward. */
  readonly container?: string;
  /** With `logs`: the run before. */
  readonly previous?: boolean;
}

export interface StreamsOptions {
  readonly engine: Engine;
  /** Throws StatusError: NotFound for a pod or container that is not here, BadRequest for one that does not run (yet). */
  readonly resolve: (question: StreamQuestion) => Promise<StreamTarget>;
  readonly clock: Clock;
  readonly processes: Processes;
  /** For sockets of helpers, with a short path: under /run. */
  readonly runDirectory: string;
}

export interface Streams {
  /** Answers every path; 404 for others'. */
  handle(request: Request): Promise<Response>;
  /** For the server's `upgrade` event: true when the path was one of these (and the socket is taken care of). */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): boolean;
  close(): Promise<void>;
}

const spdyForwardProtocol = "portforward.k8s.io";
const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";
const channelForwardProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"] as const;

export function createStreams(options: StreamsOptions): Streams {
  return new NodeStreams(options);
}

class NodeStreams implements Streams {
  readonly #log = getLogger(["sauropod", "agent"]);
  readonly #dialer;
  readonly #sockets = new Set<Duplex>();
  readonly #webSockets: WebSocketServer;
  /** What was negotiated, for the answer's header: ws refuses a name with a slash. */
  readonly #tunnels = new WeakSet<IncomingMessage>();
  /** Sockets that speak HTTP no more: an error has no answer there. */
  readonly #switched = new WeakSet<Duplex>();

  constructor(readonly options: StreamsOptions) {
    this.#dialer = createPodDialer({ ...options, directory: options.runDirectory });
    this.#webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: streamMessageBytesMax,
      handleProtocols: (offered: Set<string>) =>
        [...webSocketCommandProtocols, ...channelForwardProtocols].find((protocol) => offered.has(protocol)) ?? false,
    });
    this.#webSockets.on("headers", (headers: string[], request: IncomingMessage) => {
      if (this.#tunnels.has(request)) headers.push(`Sec-WebSocket-Protocol: ${tunnelProtocol}`);
    });
  }

  async handle(request: Request): Promise<Response> {
    try {
      const asked = parseStreamPath(request.url);
      if (asked === undefined) throw statusError("NotFound", "the server could not find the requested resource");
      if (asked.purpose !== "logs") throw statusError("BadRequest", "Upgrade request required");
      if (request.method !== "GET") throw statusError("MethodNotAllowed", "logs are read with GET");
      return await this.#logs(asked);
    } catch (error) {
      const { status } = statusOf(error);
      return Response.json(status, { status: status.code ?? 500 });
    }
  }

  async #logs(asked: StreamRequest): Promise<Response> {
    const query = parseLogQuery(asked.params);
    const target = await this.options.resolve({ ...question(asked), previous: query.previous });
    const body = logStream(this.options.engine, target.containerId, query, this.options.clock);
    return new Response(body, { headers: { "content-type": "text/plain" } });
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array): boolean {
    let asked: StreamRequest | undefined;
    try {
      asked = parseStreamPath(request.url ?? "/");
      if (asked === undefined || asked.purpose === "logs") return false;
    } catch (error) {
      refuse(socket, error);
      return true;
    }
    socket.on("error", () => socket.destroy());
    this.#upgrade(request, socket, head, asked).catch((error) => {
      if (!(error instanceof StatusError)) {
        this.#log.warn("{purpose} failed: {error}", { purpose: asked.purpose, error });
      }
      if (this.#switched.has(socket)) socket.destroy();
      else refuse(socket, error);
    });
    return true;
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, asked: StreamRequest): Promise<void> {
    if (this.#sockets.size >= streamSessionsMax) {
      throw statusError("TooManyRequests", `this node has ${streamSessionsMax} streams open already`);
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#limitIdleness(socket);
    // Bad options are refused before anything is looked up.
    const command = asked.purpose === "portForward" ? undefined : parseCommandOptions(asked.params);
    if (asked.purpose === "exec" && asked.params.getAll("command").length === 0) {
      throw statusError("BadRequest", "you must specify a command");
    }
    const target = await this.options.resolve(question(asked));
    const upgrade = String(request.headers.upgrade ?? "").toLowerCase();
    if (upgrade === "spdy/3.1") {
      if (command === undefined) await this.#forwardOverSpdy(request, socket, head, asked, target);
      else await this.#commandOverSpdy(request, socket, head, { asked, target, command });
    } else if (upgrade === "websocket") {
      const webSocket = await this.#accept(request, socket, head);
      if (command === undefined) await this.#forwardOverWebSocket(request, webSocket, asked, target);
      else {
        const protocol = webSocket.protocol;
        await this.#run(asked, target, webSocketCommand(webSocket, { ...command, protocol }), command);
      }
    } else {
      throw statusError(
        "BadRequest",
        `unable to upgrade: missing upgrade headers in request: ${upgrade || "no Upgrade"}`,
      );
    }
  }

  /** A session that moves no bytes for hours belongs to a client that is no more. */
  #limitIdleness(socket: Duplex): void {
    let cancel = () => {};
    const counted = socket as Duplex & { bytesRead?: number; bytesWritten?: number };
    const total = () => (counted.bytesRead ?? 0) + (counted.bytesWritten ?? 0);
    const watch = (before: number) => {
      cancel = this.options.clock.after(streamIdleMs, () => total() === before ? socket.destroy() : watch(total()));
    };
    watch(total());
    socket.once("close", () => cancel());
  }

  /** Rejects when the handshake is refused; ws has answered then. */
  #accept(request: IncomingMessage, socket: Duplex, head: Uint8Array): Promise<WebSocket> {
    const offered = request.headers["sec-websocket-protocol"];
    if (offered?.split(",").some((protocol) => protocol.trim() === tunnelProtocol)) {
      delete request.headers["sec-websocket-protocol"];
      this.#tunnels.add(request);
    }
    this.#switched.add(socket);
    return new Promise((resolve) => this.#webSockets.handleUpgrade(request, socket, head, resolve));
  }

  #switchToSpdy(socket: Duplex, head: Uint8Array, protocol: string): Transport {
    this.#switched.add(socket);
    const lines = [
      "HTTP/1.1 101 Switching Protocols",
      "Connection: Upgrade",
      "Upgrade: SPDY/3.1",
      `X-Stream-Protocol-Version: ${protocol}`,
    ];
    socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    return socketTransport(socket, head);
  }

  async #commandOverSpdy(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    what: { asked: StreamRequest; target: StreamTarget; command: ReturnType<typeof parseCommandOptions> },
  ): Promise<void> {
    const protocol = negotiate(request, spdyCommandProtocols);
    const transport = this.#switchToSpdy(socket, head, protocol);
    const session = await spdyCommand(transport, { ...what.command, protocol, clock: this.options.clock });
    if (session === undefined) return;
    await this.#run(what.asked, what.target, session.command, what.command);
    await session.running;
  }

  async #run(
    asked: StreamRequest,
    target: StreamTarget,
    remote: Parameters<typeof runExec>[0],
    command: ReturnType<typeof parseCommandOptions>,
  ): Promise<void> {
    const { containerId, stdinOnce } = target;
    const where = { engine: this.options.engine, containerId, stdinOnce };
    if (asked.purpose === "attach") await runAttach(remote, where, command);
    else await runExec(remote, where, { ...command, command: asked.params.getAll("command") });
  }

  async #forwardOverSpdy(
    request: IncomingMessage,
    socket: Duplex,
    head: Uint8Array,
    asked: StreamRequest,
    target: StreamTarget,
  ): Promise<void> {
    const protocol = negotiate(request, [spdyForwardProtocol]);
    await forwardSpdy(this.#switchToSpdy(socket, head, protocol), this.#forwardTarget(asked, target));
  }

  async #forwardOverWebSocket(
    request: IncomingMessage,
    webSocket: WebSocket,
    asked: StreamRequest,
    target: StreamTarget,
  ): Promise<void> {
    const to = this.#forwardTarget(asked, target);
    if (this.#tunnels.has(request)) return await forwardSpdy(webSocketTransport(webSocket), to);
    const ports = portsOrClose(asked, webSocket);
    if (ports !== undefined) await forwardChannels(webSocket, { ...to, protocol: webSocket.protocol, ports });
  }

  #forwardTarget(asked: StreamRequest, target: StreamTarget) {
    return {
      pod: `${asked.pod}_${asked.namespace}, uid ${target.uid}`,
      dial: (port: number) => this.#dialer.dial(target.address, port),
      clock: this.options.clock,
    };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#dialer.close();
  }
}

function question(asked: StreamRequest): StreamQuestion {
  const { purpose, namespace, pod, container } = asked;
  return { purpose, namespace, pod, container };
}

function portsOrClose(asked: StreamRequest, webSocket: WebSocket): number[] | undefined {
  try {
    return parsePorts(asked.params);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    webSocket.close(1008, error.message);
    return undefined;
  }
}

/** The first of ours that the client offers. Throws StatusError (403, as Kubernetes). */
function negotiate<T extends string>(request: IncomingMessage, ours: readonly T[]): T {
  const header = request.headers["x-stream-protocol-version"] ?? "";
  const offered = [header].flat().flatMap((text) => text.split(",")).map((text) => text.trim()).filter((text) =>
    text !== ""
  );
  const chosen = ours.find((protocol) => offered.includes(protocol));
  if (chosen !== undefined) return chosen;
  // Old clients of port-forward name no version.
  if (offered.length === 0 && ours.length === 1) return ours[0]!;
  const why = `unable to upgrade: unable to negotiate protocol: client supports [${
    offered.join(" ")
  }], server accepts [${ours.join(" ")}]`;
  throw statusError("Forbidden", why);
}

/** An answer instead of an upgrade. A no-op once the connection has gone. */
function refuse(socket: Duplex, error: unknown): void {
  if (socket.destroyed || socket.writableEnded) return;
  const { status } = statusOf(error);
  const body = JSON.stringify(status);
  const lines = [
    `HTTP/1.1 ${status.code ?? 500} ${status.reason ?? "Error"}`,
    "Content-Type: application/json",
    `Content-Length: ${new TextEncoder().encode(body).length}`,
    "Connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

function statusOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (isEngineError(error, "not_found")) return statusError("NotFound", error.message);
  return statusError("InternalError", error instanceof Error ? error.message : String(error));
}
