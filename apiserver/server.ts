/**
 * The HTTP surface: one ordered list of filters, a few paths of the server's own, and the REST machinery for the rest.
 * `handle(Request)` is all of it; listen() puts it behind TLS.
 */
import { Hono } from "hono";
import { getRequestListener } from "@hono/node-server";
import https from "node:https";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { getLogger } from "log";
import * as limits from "../lib/limits.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Random } from "../lib/seams/random.ts";
import type { Audit } from "./audit/audit.ts";
import { auditFailures, auditRequests } from "./audit/filter.ts";
import type { Authenticator } from "./auth/authenticate.ts";
import type { Authorizer } from "./auth/authorize.ts";
import { authenticatedGroup } from "./auth/user.ts";
import { configurationPath, type IssuerDocuments, keySetPath } from "./auth/tokens/discovery.ts";
import { Connections } from "./connections.ts";
import {
  authenticate,
  authorize,
  type Bindings,
  type Filter,
  impersonate,
  measure,
  pass,
  receive,
  type Variables,
} from "./filters.ts";
import { dumpPath, dumpPriorityLevels } from "./flow/dump.ts";
import { prioritize } from "./flow/filter.ts";
import type { FlowControl } from "./flow/flow_control.ts";
import type { CountObjects } from "./flow/work.ts";
import { deadline } from "./deadline.ts";
import type { HealthChecks } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import type { KeyPair } from "./pki/pki.ts";
import type { ConnectTarget } from "./rest/resource.ts";
import type { Rest } from "./rest/rest.ts";
import { errorResponse } from "./rest/status_answer.ts";
import { tunnel, type TunnelOptions } from "./tunnel.ts";

export interface ServerParts {
  rest: Rest;
  authenticators: readonly Authenticator[];
  authorizers: readonly Authorizer[];
  /** Absent: nobody is told how to check tokens. */
  issuer?: IssuerDocuments;
  flow: { control: FlowControl; count: CountObjects };
  health: HealthChecks;
  metrics: Metrics;
  /** Absent: no audit log is kept. */
  audit?: Audit;
  clock: Clock;
  random: Random;
  /** `{ major, minor, gitVersion, … }` of `/version`. */
  version: Record<string, string>;
  /** When it aborts, watches are ended in good order and new requests are refused. */
  stopping?: AbortSignal;
}

export interface Handler {
  (request: Request, bindings?: Bindings): Promise<Response>;
}

const logger = getLogger(["sauropod", "apiserver"]);

/** Everything that the server does with a request. */
export function createHandler(parts: ServerParts): Handler {
  const { rest, health, metrics, clock } = parts;
  const { audit, random } = parts;
  metrics.attach({ rest, flow: parts.flow.control, audit, version: parts.version, now: () => clock.now() });
  const filters: readonly Filter[] = [
    receive({ random, stopping: parts.stopping }),
    measure(metrics, clock),
    deadline(clock),
    ...(audit === undefined ? [] : [auditFailures(audit, random)]),
    authenticate(parts.authenticators),
    ...(audit === undefined ? [] : [auditRequests(audit, random)]),
    impersonate(parts.authorizers),
    prioritize(parts.flow.control, parts.flow.count),
    authorize(parts.authorizers),
  ];
  parts.stopping?.addEventListener("abort", () => rest.drain(), { once: true });
  const app = new Hono<{ Bindings: Bindings; Variables: Variables }>();
  app.onError((error, c) => errorResponse(error, { request: c.req.raw }));
  app.use(pass(filters));
  for (const endpoint of ["healthz", "livez", "readyz"] as const) {
    app.get(`/${endpoint}/*`, (c) => {
      const trusted = c.get("user").groups.includes(authenticatedGroup);
      return health.answer(endpoint, new URL(c.req.url), { trusted });
    });
  }
  app.get("/version/*", (c) => c.json(parts.version));
  app.get(
    "/metrics",
    async (c) => c.text(await metrics.text(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  app.get(dumpPath, (c) => c.text(dumpPriorityLevels(parts.flow.control)));
  if (parts.issuer !== undefined) {
    const { configuration, keySet } = parts.issuer;
    app.get(configurationPath, () => configuration());
    app.get(keySetPath, () => keySet());
  }
  app.all("*", async (c) => {
    const info = c.get("info");
    if (c.env.upgrade !== undefined) {
      c.env.upgrade.target = await rest.locate(c.req.raw, {
        user: c.get("user"),
        requestInfo: info,
        record: c.get("audit"),
      });
      return new Response(null, { status: 204 });
    }
    return await rest.handle(c.req.raw, {
      user: c.get("user"),
      requestInfo: info,
      outgoing: c.env.outgoing,
      live: c.env.live,
      onStarted: c.get("onStarted"),
      onEnded: c.get("onEnded"),
      record: c.get("audit"),
      // A connection says itself when it ends; making a signal for each of its requests would cost more than most of them.
      signal: c.env.outgoing === undefined ? c.req.raw.signal : undefined,
    });
  });
  return async (request, bindings = {}) => await app.fetch(request, bindings);
}

export interface ListenOptions {
  handler: Handler;
  clock: Clock;
  host: string;
  port: number;
  tls: KeyPair & { ca: string };
  tunnel: TunnelOptions;
  /** Default: those of lib/limits.ts. */
  patience?: Patience;
}

/** How long a client may take; ms. */
export interface Patience {
  handshakeMs: number;
  headersMs: number;
  requestMs: number;
  /** Between looks at what has taken too long. */
  lookMs: number;
}

const patience: Patience = {
  handshakeMs: limits.handshakeMs,
  headersMs: limits.requestHeadersMs,
  requestMs: limits.requestMs,
  lookMs: limits.connectionLookMs,
};

export interface Listening {
  readonly port: number;
  /** Serves new connections with another certificate. */
  useCertificate(pair: KeyPair): void;
  /** Takes no more requests, waits for those in work up to shutdownGraceMs, then cuts. */
  close(clock: Clock): Promise<void>;
}

/** Serves the handler over TLS. Client certificates are asked for and checked by the filters, never trusted unless `authorized`. */
export async function listen(options: ListenOptions): Promise<Listening> {
  const { tls } = options;
  const connections = new Connections(options.clock);
  const server = createServer(options, connections);
  await bound(server, options);
  const endWatch = connections.watch();
  return {
    port: (server.address() as { port: number }).port,
    useCertificate: (pair) => server.setSecureContext({ cert: pair.cert + tls.ca, key: pair.key, ca: tls.ca }),
    async close(clock) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cancel = clock.after(limits.shutdownGraceMs, () => connections.destroyAll());
      await closed;
      cancel();
      endWatch();
    },
  };
}

function createServer(options: ListenOptions, connections: Connections): https.Server {
  const { handler, tls, patience: allowed = patience } = options;
  const patiently = (socket: Duplex) => connections.bePatient(socket);
  // The library's own Request and Response take the place of the global ones: an answer that is one buffer then goes straight to the
  // connection, at a third of the cost of a stream of one chunk.
  const listener = getRequestListener(
    (request, env) => handler(request, Object.assign(env, { patiently }) as Bindings),
    { overrideGlobalObjects: true },
  );
  const server = https.createServer({
    // With the authority's own certificate: a host that joins knows its hash, and gets it from here.
    cert: tls.cert + tls.ca,
    key: tls.key,
    ca: tls.ca,
    requestCert: true,
    rejectUnauthorized: false,
    noDelay: true,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    maxHeaderSize: limits.requestHeaderBytesMax,
    handshakeTimeout: allowed.handshakeMs,
    headersTimeout: allowed.headersMs,
    requestTimeout: allowed.requestMs,
    connectionsCheckingInterval: allowed.lookMs,
    keepAliveTimeout: limits.connectionIdleMs,
  }, listener);
  server.maxConnections = limits.connectionsMax;
  server.on("secureConnection", (socket: TLSSocket) => {
    socket.setNoDelay(true);
    connections.add(socket);
    socket.on("error", (error: Error) => logger.debug("connection: {error}", { error: error.message }));
  });
  server.on("tlsClientError", (error: Error, socket: Duplex) => {
    logger.debug("TLS handshake: {error}", { error: error.message });
    socket.destroy();
  });
  server.on("upgrade", (incoming: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    connections.bePatient(socket);
    void upgrade(incoming, socket, head, options);
  });
  return server;
}

/** Resolves when it listens. */
function bound(server: https.Server, { host, port }: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: Error & { code?: string }) => {
      const where = `${host}:${port}`;
      const why = error.code === "EADDRINUSE"
        ? "the port is in use; stop what uses it or choose another one with --port"
        : error.message;
      reject(new Error(`cannot listen on ${where}: ${why}`, { cause: error }));
    });
    server.listen({ host, port }, () => resolve());
  });
}

async function upgrade(
  incoming: IncomingMessage,
  socket: Duplex,
  head: Uint8Array,
  options: ListenOptions,
): Promise<void> {
  socket.on("error", (error: Error) => logger.debug("upgraded connection: {error}", { error: error.message }));
  const bindings: Bindings = { incoming, upgrade: {} };
  try {
    const url = new URL(incoming.url ?? "/", "https://apiserver");
    const headers = new Headers();
    for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
      headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
    }
    const response = await options.handler(new Request(url, { method: incoming.method, headers }), bindings);
    const target = bindings.upgrade!.target as ConnectTarget | undefined;
    if (target !== undefined) return tunnel(incoming, socket, head, target, options.tunnel);
    const body = await response.text();
    const length = new TextEncoder().encode(body).length;
    socket.end(
      `HTTP/1.1 ${response.status} ${response.statusText || "Error"}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${length}\r\nConnection: close\r\n\r\n${body}`,
    );
  } catch (error) {
    logger.error("upgrade of {path}: {error}", { path: incoming.url, error: String(error) });
    socket.destroy();
  }
}
