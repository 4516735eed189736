/**
 * Upgraded connections (exec, attach, port-forward): after the same filters as every request, the client's bytes go to the node's
 * agent as they are, and back. The agent speaks the client's protocol; nothing is translated here.
 */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import net from "node:net";
import tls from "node:tls";
import { getLogger } from "log";
import * as limits from "../lib/limits.ts";
import type { KeyPair } from "./pki/pki.ts";
import type { ConnectTarget } from "./rest/resource.ts";

export interface NodeAddress {
  host: string;
  port: number;
  /** The name in the agent's certificate. */
  serverName: string;
}

export interface TunnelOptions {
  /** Throws a StatusError when the node is not known or says no address. */
  nodeAddress(node: string): NodeAddress;
  ca: string;
  client: () => KeyPair;
}

const logger = getLogger(["sauropod", "tunnel"]);

/** Never passed on: they are between the client and us. */
const hopHeaders = new Set([
  "authorization",
  "host",
  "impersonate-user",
  "impersonate-group",
  "impersonate-uid",
  "cookie",
]);

/** Connects the client's socket with the target and gets out of the way. `head` are bytes that came with the request. */
export function tunnel(
  incoming: IncomingMessage,
  client: Duplex,
  head: Uint8Array,
  target: ConnectTarget,
  options: TunnelOptions,
): void {
  const backend = connect(target, options);
  const fail = (error: Error) => {
    logger.debug("{path}: {error}", { path: target.path, error: error.message });
    if (!backend.connecting && client.writable && !answered) {
      client.end(
        `HTTP/1.1 502 Bad Gateway\r\nContent-Length: ${error.message.length}\r\nConnection: close\r\n\r\n${error.message}`,
      );
    }
    backend.destroy();
    client.destroy();
  };
  let answered = false;
  const cancel = setupTimeout(
    backend,
    () => fail(new Error(`no answer from ${target.to} within ${limits.tunnelConnectMs} ms`)),
  );
  backend.once("error", fail);
  client.once("error", () => backend.destroy());
  client.once("close", () => backend.destroy());
  backend.once("close", () => client.destroy());
  backend.once(target.to === "node" || target.scheme === "https" ? "secureConnect" : "connect", () => {
    backend.write(requestHead(incoming, target));
    if (head.length > 0) backend.write(head);
    client.pipe(backend);
    backend.once("data", () => {
      answered = true;
      cancel();
    });
    backend.pipe(client);
  });
}

function setupTimeout(socket: net.Socket, onTimeout: () => void): () => void {
  socket.setTimeout(limits.tunnelConnectMs, onTimeout);
  return () => socket.setTimeout(0);
}

function connect(target: ConnectTarget, options: TunnelOptions): net.Socket {
  if (target.to === "address") {
    const { host, port } = target;
    return target.scheme === "http"
      ? net.connect({ host, port })
      : tls.connect({ host, port, rejectUnauthorized: false });
  }
  const { host, port, serverName } = options.nodeAddress(target.node);
  return tls.connect({
    host,
    port,
    servername: serverName,
    ca: options.ca,
    ...options.client(),
    ALPNProtocols: ["http/1.1"],
  });
}

function requestHead(incoming: IncomingMessage, target: ConnectTarget): string {
  const lines = [
    `${incoming.method} ${target.path} HTTP/1.1`,
    `Host: ${target.to === "node" ? target.node : target.host}`,
  ];
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    const name = incoming.rawHeaders[i]!.toLowerCase();
    if (!hopHeaders.has(name) && !name.startsWith("impersonate-extra-")) {
      lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`);
    }
  }
  return lines.join("\r\n") + "\r\n\r\n";
}
