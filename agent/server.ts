/**
 * The kubelet API: pods, logs, exec, attach, port-forward, stats and metrics, over TLS; health for anybody, the rest for who may.
 * Leaves out the protocols of streams (agent/stream) and who may (agent/access).
 */
import https from "node:https";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { getLogger } from "log";
import { readText } from "../lib/seams/files.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Pod } from "../lib/types/core_v1.ts";
import type { Access } from "./access/access.ts";
import { askedBy, streamAsked } from "./access/attributes.ts";
import { type Family, metricsText, resourceMetrics } from "./node/metrics.ts";
import type { PodStats } from "./node/stats.ts";
import { type HostUse, statsSummary } from "./node/summary.ts";
import type { Streams } from "./stream/streams.ts";

export interface KubeletApi {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly access: Access;
  readonly streams: Streams;
  readonly stats: PodStats;
  pods(): readonly Pod[];
  host(): Promise<HostUse>;
  /** Why the agent is not healthy; undefined when it is. */
  trouble(): string | undefined;
  ownMetrics(): readonly Family[];
  cadvisor(): Promise<readonly Family[]>;
  probeMetrics(): readonly Family[];
}

const streamPaths = /^\/(containerLogs|exec|attach|portForward|run)\//;

function metricsAnswer(families: readonly Family[]): Response {
  return new Response(metricsText(families), {
    headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" },
  });
}

/** Answers one request of somebody who may ask. */
export async function handleKubelet(request: Request, api: Omit<KubeletApi, "access">): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (streamPaths.test(pathname)) return await api.streams.handle(request);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("Method Not Allowed\n", { status: 405 });
  }
  switch (pathname.replace(/\/$/, "") || "/") {
    case "/pods":
    case "/runningpods":
      return Response.json({ kind: "PodList", apiVersion: "v1", metadata: {}, items: api.pods() });
    case "/stats/summary":
      return Response.json(statsSummary(api.nodeName, await api.host(), await api.stats.pods(), api.clock.now()));
    case "/metrics":
      return metricsAnswer(api.ownMetrics());
    case "/metrics/resource":
      return metricsAnswer(resourceMetrics(await api.host(), await api.stats.pods()));
    case "/metrics/cadvisor":
      return metricsAnswer(await api.cadvisor());
    case "/metrics/probes":
      return metricsAnswer(api.probeMetrics());
    default:
      return new Response("404 page not found\n", { status: 404 });
  }
}

const healthPaths = new Set(["/healthz", "/livez", "/readyz"]);

/** Answers anybody's question for health; undefined for other paths. */
export function handleHealth(request: Request, api: Pick<KubeletApi, "trouble">): Response | undefined {
  const path = new URL(request.url).pathname.replace(/\/$/, "");
  if (!healthPaths.has(path)) return undefined;
  // An engine that is away does not make the agent dead: restarting it would not help.
  const trouble = path === "/livez" ? undefined : api.trouble();
  return trouble === undefined ? new Response("ok") : new Response(`${trouble}\n`, { status: 500 });
}

export interface ServerOptions {
  readonly address: string;
  readonly port: number;
  readonly files: { readonly cert: string; readonly key: string; readonly clientCa: string };
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const logger = getLogger(["sauropod", "agent", "server"]);
/** Certificates that were renewed on disk are taken up within this. ms */
const certificateCheckMs = 60_000;

async function readTls({ files }: ServerOptions): Promise<{ cert: string; key: string; ca: string }> {
  const read = async (flag: string, path: string) => {
    const content = await readText(path);
    if (content === undefined) throw new Error(`--${flag} ${path}: there is no such file`);
    return content;
  };
  return {
    cert: await read("tls-cert", files.cert),
    key: await read("tls-key", files.key),
    ca: await read("client-ca", files.clientCa),
  };
}

/** Answers anybody: those who may not ask are told so, in the kubelet's words. */
async function answer(request: Request, api: KubeletApi, socket: unknown): Promise<Response> {
  const health = handleHealth(request, api);
  if (health !== undefined) return health;
  const { pathname } = new URL(request.url);
  const authorization = request.headers.get("authorization") ?? undefined;
  const verdict = await api.access.decide({ socket, authorization }, askedBy(request.method, pathname));
  if (!verdict.allowed) return new Response(verdict.message, { status: verdict.status });
  try {
    return await handleKubelet(request, api);
  } catch (error) {
    logger.error("{path}: {error}", { path: pathname, error });
    return new Response(`Internal Error: ${error instanceof Error ? error.message : error}\n`, { status: 500 });
  }
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Uint8Array;
}

async function answerUpgrade({ request, socket, head }: Upgrade, api: KubeletApi): Promise<void> {
  const broken = () => socket.destroy();
  socket.on("error", broken);
  const { authorization } = request.headers;
  const verdict = await api.access.decide({ socket: request.socket, authorization }, streamAsked);
  if (!verdict.allowed) return refuse(socket, verdict.status, verdict.message);
  // Gone while we asked.
  if (socket.destroyed) return;
  socket.off("error", broken);
  if (!api.streams.handleUpgrade(request, socket, head)) refuse(socket, 404, "404 page not found\n");
}

function refuse(socket: Duplex, status: number, message: string): void {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${new TextEncoder().encode(message).length}`,
    "Connection: close",
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${message}`);
}

/** Listens until the signal aborts. Answers the port. */
export async function listenKubelet(
  api: KubeletApi,
  options: ServerOptions,
): Promise<{ port: number; closed: Promise<void> }> {
  let tls = await readTls(options);
  const listener = getRequestListener((request, env) =>
    answer(request, api, (env as { incoming: IncomingMessage }).incoming.socket)
  );
  const server = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false, noDelay: true }, listener);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    answerUpgrade({ request, socket, head }, api).catch((error) => {
      logger.warn("{path}: {error}", { path: request.url, error: String(error) });
      socket.destroy();
    });
  });
  server.on("tlsClientError", (error: Error) => logger.debug("TLS: {error}", { error: error.message }));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: options.address, port: options.port }, resolve);
  });
  const { port } = server.address() as { port: number };
  const renew = async () => {
    const now = await readTls(options);
    if (now.cert !== tls.cert || now.key !== tls.key || now.ca !== tls.ca) {
      server.setSecureContext(now);
      tls = now;
      logger.info("took up the renewed certificate");
    }
  };
  const again = () => {
    if (options.signal.aborted) return;
    renew().catch((error) => logger.warn("certificates: {error}", { error: String(error) }))
      .finally(() => options.clock.after(certificateCheckMs, again));
  };
  options.clock.after(certificateCheckMs, again);
  const closed = new Promise<void>((resolve) => {
    options.signal.addEventListener("abort", () => {
      server.close(() => resolve());
      // Streams that go on (exec, follow) would hold it for hours.
      server.closeAllConnections();
      api.streams.close().catch((error) => logger.warn("streams: {error}", { error: String(error) }));
    }, { once: true });
  });
  return { port, closed };
}
