/** For tests: a Secured behind a real TLS server on loopback, and clients of it that do as they are told. */
import https from "node:https";
import { listen, type Listening, type Patience } from "../../apiserver/server.ts";
import { type Authority, createAuthority, loadAuthority } from "../../apiserver/pki/pki.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { adminToken, type Secured } from "./secured.ts";

export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

export interface TlsServer {
  readonly port: number;
  readonly authority: Authority;
  readonly listening: Listening;
  /** With the administrator's token, on a connection of its own. */
  ask(
    method: string,
    path: string,
    options?: { headers?: Record<string, string>; body?: string | Uint8Array },
  ): Promise<Reply>;
  /** A connection on which anything may be written, and of which nothing is read that nobody reads. */
  connect(): Promise<Deno.TlsConn>;
  close(): Promise<void>;
}

export interface TlsServerOptions {
  /** That of the server's own looks at its connections. */
  clock?: Clock;
  patience?: Patience;
}

export async function serveTls(
  s: Pick<Secured, "handler">,
  { clock = systemClock, patience }: TlsServerOptions = {},
): Promise<TlsServer> {
  const now = systemClock.now();
  const pair = await createAuthority("tls-test-ca", now, systemRandom);
  const authority = await loadAuthority(pair, { now: () => now }, systemRandom);
  const server = await authority.issue({ commonName: "kube-apiserver" }, { usage: "server", names: ["127.0.0.1"] });
  const listening = await listen({
    handler: s.handler,
    clock,
    patience,
    host: "127.0.0.1",
    port: 0,
    tls: { ...server, ca: authority.cert },
    tunnel: { nodeAddress: () => undefined, ca: authority.cert, client: () => server } as never,
  });
  const { port } = listening;
  return {
    port,
    authority,
    listening,
    ask: (method, path, { headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const all = {
          authorization: `Bearer ${adminToken}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        };
        const url = `https://127.0.0.1:${port}${path}`;
        const request = https.request(url, { method, ca: authority.cert, headers: all, agent: false }, (response) => {
          const chunks: Uint8Array[] = [];
          response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () => {
            const text = new TextDecoder().decode(joined(chunks));
            resolve({ status: response.statusCode!, headers: response.headers, body: text });
          });
        });
        request.on("error", reject);
        request.end(body);
      }),
    connect: () =>
      Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [authority.cert], alpnProtocols: ["http/1.1"] }),
    close: () => listening.close(systemClock),
  };
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

const encoder = new TextEncoder();

export async function say(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = encoder.encode(text);
  for (let written = 0; written < bytes.length;) written += await connection.write(bytes.subarray(written));
}

/** All that is told to a raw connection, until it says `until` or is over. */
export async function heard(connection: Deno.Conn, until?: string): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(64 * 1024);
  let text = "";
  while (until === undefined || !text.includes(until)) {
    // However it ends, by a close or a reset, it is over.
    const count = await connection.read(buffer).catch(() => null);
    if (count === null) break;
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
  return text;
}
