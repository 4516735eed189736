/**
 * HTTPS (and plain HTTP) requests with a CA, a client certificate and kept connections, as `Request → Response`.
 * node:https and not fetch: fetch leaves Nagle's algorithm on (40 ms for the first small request of a connection), and aborting a
 * streamed fetch body does nothing once a garbage collection ran. Cancelling the body of a Response from here closes its connection.
 */
import http from "node:http";
import https from "node:https";
import { Buffer } from "node:buffer";

export interface Tls {
  /** PEM of the certificate authority that must have signed the server's certificate. */
  ca?: string;
  /** PEM of a client certificate and its key. */
  cert?: string;
  key?: string;
  /** Name to ask for and to verify instead of the URL's host. */
  serverName?: string;
}

export interface Fetcher {
  (request: Request): Promise<Response>;
  close(): void;
}

export interface FetcherOptions {
  readonly maxSockets?: number;
  /**
   * A connection on which nothing has come or gone for so long is given up, in the middle of an answer too. A peer that has lost its power,
   * or this host its address, ends no connection; who only reads would wait for ever. ms; absent: no limit.
   */
  readonly silenceMs?: number;
}

/** Sends requests, their URL being absolute. Network failures reject with the address in the message. */
export function createFetcher(tls: Tls = {}, options: FetcherOptions = {}): Fetcher {
  const pool = { keepAlive: true, noDelay: true, maxSockets: options.maxSockets ?? 256, scheduling: "lifo" as const };
  const secure = new https.Agent({ ...pool, ca: tls.ca, cert: tls.cert, key: tls.key, servername: tls.serverName });
  const plain = new http.Agent(pool);

  async function send(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = request.body === null ? undefined : Buffer.from(await request.arrayBuffer());
    const headers: Record<string, string> = {};
    request.headers.forEach((value, name) => headers[name] = value);
    if (body !== undefined) headers["content-length"] = String(body.length);
    const library = url.protocol === "http:" ? http : https;
    const agent = url.protocol === "http:" ? plain : secure;
    return await new Promise<Response>((resolve, reject) => {
      const outgoing = library.request(
        url,
        { method: request.method, headers, agent } as https.RequestOptions,
        (incoming) => {
          resolve(toResponse(incoming, () => outgoing.destroy()));
        },
      );
      const abort = () => outgoing.destroy(new DOMException("The request was aborted", "AbortError"));
      request.signal.addEventListener("abort", abort, { once: true });
      if (options.silenceMs !== undefined) {
        outgoing.setTimeout(options.silenceMs, () => {
          outgoing.destroy(new Error(`nothing was heard for ${options.silenceMs! / 1000} s`));
        });
      }
      outgoing.on("close", () => request.signal.removeEventListener("abort", abort));
      outgoing.on("error", (error: Error) => {
        reject(
          error.name === "AbortError"
            ? error
            : new Error(`${request.method} ${url.origin}: ${error.message}`, { cause: error }),
        );
      });
      outgoing.end(body);
    });
  }
  return Object.assign(send, {
    close() {
      secure.destroy();
      plain.destroy();
    },
  });
}

const bodiless = new Set([101, 204, 205, 304]);

function toResponse(incoming: http.IncomingMessage, cut: () => void): Response {
  const headers = new Headers();
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    headers.append(incoming.rawHeaders[i]!, incoming.rawHeaders[i + 1]!);
  }
  const status = incoming.statusCode ?? 500;
  if (bodiless.has(status)) {
    incoming.resume();
    return new Response(null, { status, headers });
  }
  let ended = false;
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      incoming.on("data", (chunk: Uint8Array<ArrayBuffer>) => {
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 1) <= 0) incoming.pause();
      });
      incoming.on("end", () => {
        ended = true;
        controller.close();
      });
      incoming.on("error", (error) => {
        if (!ended) controller.error(error);
        ended = true;
      });
      incoming.on("close", () => {
        if (!ended) controller.error(new Error("the connection was closed in the middle of the answer"));
        ended = true;
      });
    },
    pull() {
      incoming.resume();
    },
    cancel() {
      ended = true;
      cut();
    },
  }, { highWaterMark: 16 });
  return new Response(body, { status, headers });
}
