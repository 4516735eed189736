/**
 * The only file that touches the engine's socket: HTTP/1.1 over a unix socket, with time limits, bounded concurrency and
 * errors as EngineError. Three shapes: request() (an answer in memory), stream() (an answer that is read as it comes) and
 * upgrade() (a connection for both directions). It knows no path of the engine's API.
 */
import http from "node:http";
import type { Duplex } from "node:stream";
import { Buffer } from "node:buffer";
import type { Clock } from "../../lib/seams/clock.ts";
import { engineAnswerBytesMax, engineConnectTimeoutMs, engineRequestsMax, engineStreamsMax } from "../../lib/limits.ts";
import { EngineError } from "./error.ts";

export interface Call {
  readonly method: "GET" | "POST" | "DELETE" | "HEAD";
  /** With its query. */
  readonly path: string;
  /** What is being done to what, for errors: `start`, `web`. */
  readonly operation: string;
  readonly subject: string;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as application/x-tar. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface StreamAnswer {
  readonly status: number;
  /** To be read to its end or left with `break`: both free the connection. */
  readonly body: AsyncIterable<Uint8Array>;
}

const unavailable = new Set(["ECONNREFUSED", "ENOENT", "EACCES", "ECONNRESET", "EPIPE", "ENOTCONN", "EPERM"]);

export class SocketHttp {
  readonly #pool = new http.Agent({ keepAlive: true, maxSockets: engineRequestsMax, maxFreeSockets: 4 });
  /** Streams have connections of their own: they would take the pool's for hours. */
  readonly #single = new http.Agent({ keepAlive: false });
  #streams = 0;

  constructor(readonly socketPath: string, readonly clock: Clock) {}

  /** The whole answer, whatever its status. Throws EngineError `unavailable` or `timeout`. */
  async request(call: Call, timeoutMs: number): Promise<Answer> {
    const { request, response } = this.#send(call, this.#pool);
    let timedOut = false;
    const cancel = this.clock.after(timeoutMs, () => {
      timedOut = true;
      request.destroy(new Error("timeout"));
    });
    try {
      const message = await response;
      const parts: Uint8Array[] = [];
      let bytes = 0;
      for await (const part of message as AsyncIterable<Uint8Array>) {
        bytes += part.length;
        if (bytes > engineAnswerBytesMax) {
          throw this.#error(call, "engine", `its answer has more than ${engineAnswerBytesMax} bytes`);
        }
        parts.push(part);
      }
      return { status: message.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") };
    } catch (error) {
      if (timedOut) throw this.#error(call, "timeout", `no answer within ${timeoutMs / 1000} s`, error);
      throw this.#broken(call, error);
    } finally {
      cancel();
    }
  }

  /** The answer as soon as it begins. `idleMs` bounds the silence before it and between its parts; 0: for ever. */
  async stream(call: Call, idleMs: number): Promise<StreamAnswer> {
    this.#takeStream(call);
    const { request, response } = this.#send(call, this.#single);
    let timedOut = false;
    let cancel = () => {};
    const watch = () => {
      cancel();
      if (idleMs === 0) return;
      cancel = this.clock.after(idleMs, () => {
        timedOut = true;
        request.destroy(new Error("timeout"));
      });
    };
    const end = () => {
      cancel();
      this.#streams--;
    };
    const fail = (error: unknown) =>
      timedOut ? this.#error(call, "timeout", `no word for ${idleMs / 1000} s`, error) : this.#broken(call, error);
    watch();
    try {
      const message = await response;
      return { status: message.statusCode ?? 0, body: parts(message, { watch, end, fail }) };
    } catch (error) {
      end();
      throw fail(error);
    }
  }

  /** A connection for both directions, or what the engine answered instead. Nothing has been read from it yet. */
  async upgrade(call: Call): Promise<{ duplex: Duplex } | Answer> {
    this.#takeStream(call);
    const { request, response } = this.#send(
      { ...call, headers: { ...call.headers, connection: "Upgrade", upgrade: "tcp" } },
      this.#single,
    );
    const upgraded = new Promise<Duplex>((resolve) => {
      request.once("upgrade", (_message: unknown, socket: Duplex, head: Uint8Array) => {
        if (head.length > 0) socket.unshift(Buffer.from(head));
        resolve(socket);
      });
    });
    let timedOut = false;
    const cancel = this.clock.after(engineConnectTimeoutMs * 6, () => {
      timedOut = true;
      request.destroy(new Error("timeout"));
    });
    try {
      const first = await Promise.race([upgraded.then((duplex) => ({ duplex })), response]);
      if ("duplex" in first) {
        first.duplex.once("close", () => this.#streams--);
        return first;
      }
      const text = await new Response(ReadableStream.from(first as AsyncIterable<Uint8Array>)).text();
      this.#streams--;
      return { status: first.statusCode ?? 0, text };
    } catch (error) {
      this.#streams--;
      throw timedOut ? this.#error(call, "timeout", "no answer", error) : this.#broken(call, error);
    } finally {
      cancel();
    }
  }

  close(): void {
    this.#pool.destroy();
    this.#single.destroy();
  }

  #takeStream(call: Call): void {
    if (this.#streams >= engineStreamsMax) {
      throw this.#error(call, "engine", `${engineStreamsMax} streams to the engine are open already`);
    }
    this.#streams++;
  }

  #send(call: Call, agent: http.Agent): { request: http.ClientRequest; response: Promise<http.IncomingMessage> } {
    const json = call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json));
    const request = http.request({
      socketPath: this.socketPath,
      method: call.method,
      path: call.path,
      agent,
      headers: {
        host: "engine",
        ...(json === undefined ? {} : { "content-type": "application/json", "content-length": String(json.length) }),
        ...(call.body === undefined ? {} : { "content-type": "application/x-tar" }),
        ...(call.body instanceof Uint8Array ? { "content-length": String(call.body.length) } : {}),
        ...(json === undefined && call.body === undefined && call.method === "POST" ? { "content-length": "0" } : {}),
        ...call.headers,
      },
    });
    const response = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.once("response", resolve);
      // It stays attached: a socket may fail after its answer began, and an unheard error ends the process.
      request.on("error", reject);
    });
    response.catch(() => {});
    if (call.signal !== undefined) {
      const abort = () => request.destroy(new Error("aborted by the caller"));
      if (call.signal.aborted) abort();
      call.signal.addEventListener("abort", abort, { once: true });
      request.once("close", () => call.signal?.removeEventListener("abort", abort));
    }
    if (json !== undefined) request.end(json);
    else if (call.body === undefined) request.end();
    else if (call.body instanceof Uint8Array) request.end(call.body);
    else void pump(call.body, request);
    return { request, response };
  }

  #broken(call: Call, error: unknown): EngineError {
    if (error instanceof EngineError) return error;
    const code = (error as { code?: string }).code ?? "";
    const message = error instanceof Error ? error.message : String(error);
    if (unavailable.has(code) || /socket hang up|aborted|connection closed|reset/i.test(message)) {
      return this.#error(call, "unavailable", `engine socket ${this.socketPath}: ${message}`, error);
    }
    return this.#error(call, "engine", message, error);
  }

  #error(call: Call, code: "timeout" | "unavailable" | "engine", detail: string, cause?: unknown): EngineError {
    return new EngineError(code, call.operation, call.subject, detail, { cause });
  }
}

/** The parts of a message as they come; `end` is called once, however the reader leaves. */
async function* parts(
  message: http.IncomingMessage,
  on: { watch: () => void; end: () => void; fail: (error: unknown) => unknown },
): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of message as AsyncIterable<Uint8Array>) {
      on.watch();
      yield part;
    }
  } catch (error) {
    throw on.fail(error);
  } finally {
    message.destroy();
    on.end();
  }
}

async function pump(from: AsyncIterable<Uint8Array>, to: http.ClientRequest): Promise<void> {
  try {
    for await (const part of from) {
      if (to.destroyed) return;
      if (!to.write(part)) {
        await new Promise<void>((resolve) => {
          to.once("drain", resolve);
          to.once("close", resolve);
        });
      }
    }
    to.end();
  } catch (error) {
    to.destroy(error instanceof Error ? error : new Error(String(error)));
  }
}
