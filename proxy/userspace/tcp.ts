/**
 * Forwards TCP connections, byte for byte, in this process. Each side is read only as fast as the other takes it; half-closed connections
 * stay half open. Left out: resets are passed on as the end of the connection.
 */
import { getLogger } from "log";
import {
  userspaceAcceptPauseMs,
  userspaceConnectionsMax,
  userspaceConnectTimeoutMs,
  userspaceTriesMax,
} from "../../lib/limits.ts";
import { sleep } from "../../lib/seams/clock.ts";
import type { Backend } from "../model.ts";
import { nameOf } from "./balance.ts";
import type { Forwarding, Listener } from "./forwarding.ts";

const logger = getLogger(["sauropod", "proxy", "userspace"]);

/** A connection to an endpoint that is being made. */
interface Dial {
  readonly client: string;
  readonly backend: Backend;
  readonly abort: AbortController;
}

/** What of a Deno.TcpListener is used. */
export type Accepting = Pick<Deno.TcpListener, "accept" | "close">;

/** Throws when the address and port can't be had. */
export function listenTcp(at: { address: string; port: number }, forwarding: Forwarding): Listener {
  return serveTcp(Deno.listen({ hostname: at.address, port: at.port }), forwarding);
}

export function serveTcp(listener: Accepting, forwarding: Forwarding): Listener {
  const forwarder = new TcpForwarder(forwarding);
  const closing = new AbortController();
  const accepting = forwarder.accept(listener, closing.signal);
  return {
    changed: () => forwarder.changed(),
    // Until the last accept() has come back the kernel goes on taking connections.
    async close() {
      closing.abort();
      listener.close();
      await accepting;
    },
  };
}

class TcpForwarder {
  readonly #dials = new Set<Dial>();

  constructor(readonly forwarding: Forwarding) {}

  async accept(listener: Accepting, closing: AbortSignal): Promise<void> {
    const { load, clock } = this.forwarding;
    while (!closing.aborted) {
      try {
        const client = await listener.accept();
        if (load.connections.size >= userspaceConnectionsMax) {
          load.refused++;
          client.close();
        } else void this.#forward(client);
      } catch (error) {
        if (closing.aborted) return;
        // Such as too many open files: those who wait are taken when there is room again.
        logger.error("accept: {error}", { error: String(error) });
        await sleep(clock, userspaceAcceptPauseMs, closing);
      }
    }
  }

  /** Nobody is led any more to an endpoint that is gone: whoever is on the way there is led elsewhere. */
  changed(): void {
    for (const { client, backend, abort } of this.#dials) if (!this.forwarding.allows(client, backend)) abort.abort();
  }

  async #forward(client: Deno.TcpConn): Promise<void> {
    const { connections } = this.forwarding.load;
    const ends = [client];
    const end = () => ends.forEach(close);
    connections.add(end);
    try {
      const server = await this.#connect((client.remoteAddr as Deno.NetAddr).hostname);
      if (server === undefined) return;
      ends.push(server);
      for (const conn of ends) {
        conn.setNoDelay(true);
        // A peer that lost its power says no more; after two hours (the kernel's default) that is noticed.
        conn.setKeepAlive(true);
      }
      await Promise.all([copy(client, server), copy(server, client)]);
    } catch (error) {
      logger.debug("a connection ended early: {error}", { error: String(error) });
    } finally {
      end();
      connections.delete(end);
    }
  }

  /** To the endpoint whose turn it is; one that does not take the connection is passed over. */
  async #connect(client: string): Promise<Deno.TcpConn | undefined> {
    const { clock } = this.forwarding;
    const failed = new Set<string>();
    for (let tries = 0; tries < userspaceTriesMax; tries++) {
      const backend = this.forwarding.choose(client, failed);
      if (backend === undefined) return undefined;
      failed.add(nameOf(backend));
      const dial: Dial = { client, backend, abort: new AbortController() };
      this.#dials.add(dial);
      const cancel = clock.after(userspaceConnectTimeoutMs, () => dial.abort.abort());
      try {
        return await Deno.connect({ hostname: backend.ip, port: backend.port, signal: dial.abort.signal });
      } catch (error) {
        logger.debug("{ip}:{port} takes no connection: {error}", { ...backend, error: String(error) });
      } finally {
        cancel();
        this.#dials.delete(dial);
      }
    }
    return undefined;
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
