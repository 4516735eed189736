/**
 * The kubelet API: pods, logs, exec, attach, port-forward, stats and metrics, over TLS, for the API server alone; health for anybody.
 * Leaves out the protocols of streams (agent/stream) and who of the cluster's users may ask (the API server has decided that).
 */
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { getRequestListener } from "@hono/node-server";
import { getLogger } from "log";
import { readText } from "../lib/seams/files.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Pod } from "../lib/types/core_v1.ts";
import { cadvisorMetrics, type Family, metricsText, resourceMetrics } from "./node/metrics.ts";
import type { PodStats } from "./node/stats.ts";
import { type HostUse, statsSummary } from "./node/summary.ts";
import type { Streams } from "./stream/streams.ts";

export interface KubeletApi {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly streams: Streams;
  readonly stats: PodStats;
  readonly cpus: number;
  pods(): readonly Pod[];
  host(): Promise<HostUse>;
  /** Why the agent is not healthy; undefined when it is. */
  trouble(): string | undefined;
  ownMetrics(): readonly Family[];
}

const streamPaths = /^\/(containerLogs|exec|attach|portForward|run)\//;
const prometheus = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };

/** Answers one request of somebody who may ask. */
export async function handleKubelet(request: Request, api: KubeletApi): Promise<Response> {
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
      return new Response(metricsText(api.ownMetrics()), { headers: prometheus });
    case "/metrics/resource":
      return new Response(metricsText(resourceMetrics(await api.host(), await api.stats.pods())), {
        headers: prometheus,
      });
    case "/metrics/cadvisor":
      return new Response(metricsText(cadvisorMetrics(await api.host(), await api.stats.pods(), api.cpus)), {
        headers: prometheus,
      });
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

/** The name in the API server's certificate for calling agents. */
const callerName = "kube-apiserver-kubelet-client";

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

/** Only an authorized certificate says who somebody is: the names in others are claims. */
function isCaller(socket: unknown): boolean {
  const { authorized, getPeerCertificate } = socket as TLSSocket;
  if (authorized !== true) return false;
  return getPeerCertificate.call(socket)?.subject?.CN === callerName;
}

/** Listens until the signal aborts. Answers the port. */
export async function listenKubelet(
  api: KubeletApi,
  options: ServerOptions,
): Promise<{ port: number; closed: Promise<void> }> {
  let tls = await readTls(options);
  const answer = async (request: Request, env: { incoming: IncomingMessage }): Promise<Response> => {
    const health = handleHealth(request, api);
    if (health !== undefined) return health;
    if (!isCaller(env.incoming.socket)) return new Response("Unauthorized\n", { status: 401 });
    try {
      return await handleKubelet(request, api);
    } catch (error) {
      logger.error("{path}: {error}", { path: new URL(request.url).pathname, error });
      return new Response(`Internal Error: ${error instanceof Error ? error.message : error}\n`, { status: 500 });
    }
  };
  const listener = getRequestListener((request, env) => answer(request, env as { incoming: IncomingMessage }));
  const server = https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false, noDelay: true }, listener);
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    if (!isCaller(request.socket)) {
      socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
      return;
    }
    if (api.streams.handleUpgrade(request, socket, head)) return;
    socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
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
