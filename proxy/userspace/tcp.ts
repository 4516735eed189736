/** Forwards TCP connections, byte for byte, in this process. Half-closed connections stay half open. */
import { getLogger } from "log";
import { userspaceConnectionsMax, userspaceConnectTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Backend, PortEntry } from "../model.ts";
import type { Balancer } from "./balance.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);

export interface Forwarding {
  readonly address: string;
  readonly clock: Clock;
  readonly balancer: Balancer;
  /** Open connections of all listeners together. */
  readonly load: { connections: number };
  /** What the port leads to now. */
  entry(): PortEntry;
}

export interface Listener {
  /** The endpoints changed. */
  changed(): void;
  close(): void;
}

/** Throws when the port can't be had. */
export function listenTcp(port: number, forwarding: Forwarding): Listener {
  const listener = Deno.listen({ hostname: forwarding.address, port });
  void accept(listener, forwarding);
  return { changed() {}, close: () => listener.close() };
}

async function accept(listener: Deno.TcpListener, forwarding: Forwarding): Promise<void> {
  try {
    for await (const client of listener) {
      if (forwarding.load.connections >= userspaceConnectionsMax) client.close();
      else void forward(client, forwarding);
    }
  } catch (error) {
    // Closing the listener ends the loop, in some versions with this error.
    if (!(error instanceof Deno.errors.BadResource)) logger.error("accept: {error}", { error: String(error) });
  }
}

async function forward(client: Deno.TcpConn, forwarding: Forwarding): Promise<void> {
  forwarding.load.connections++;
  try {
    const server = await connect((client.remoteAddr as Deno.NetAddr).hostname, forwarding);
    if (server === undefined) return client.close();
    client.setNoDelay(true);
    server.setNoDelay(true);
    await Promise.all([copy(client, server), copy(server, client)]);
    close(client);
    close(server);
  } finally {
    forwarding.load.connections--;
  }
}

/** To the endpoint whose turn it is; one that does not take the connection is passed over. */
async function connect(from: string, { balancer, clock, entry }: Forwarding): Promise<Deno.TcpConn | undefined> {
  const tried = new Set<Backend>();
  for (;;) {
    const backend = balancer.next(entry(), from, clock.now(), tried);
    if (backend === undefined) return undefined;
    tried.add(backend);
    const abort = new AbortController();
    const cancel = clock.after(userspaceConnectTimeoutMs, () => abort.abort());
    try {
      return await Deno.connect({ hostname: backend.ip, port: backend.port, signal: abort.signal });
    } catch (error) {
      logger.debug("{ip}:{port} takes no connection: {error}", { ...backend, error: String(error) });
    } finally {
      cancel();
    }
  }
}

async function copy(from: Deno.TcpConn, to: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (let read = await from.read(buffer); read !== null; read = await from.read(buffer)) {
      for (let sent = 0; sent < read;) sent += await to.write(buffer.subarray(sent, read));
    }
    await to.closeWrite();
  } catch {
    // One side broke off: the other learns it by the end of its connection.
    close(from);
    close(to);
  }
}

function close(conn: Deno.TcpConn): void {
  try {
    conn.close();
  } catch {
    // Closed already, which is what is wanted.
  }
}
