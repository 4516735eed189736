/**
 * The open connections of the server, and those of them that nobody reads: who is sent an answer and takes nothing of it for
 * connectionStalledMs is cut off, since what it was sent is kept in memory until it does.
 */
import type { Duplex } from "node:stream";
import { getLogger } from "log";
import { connectionLookMs, connectionStalledMs } from "../lib/limits.ts";
import type { Clock, Instant } from "../lib/seams/clock.ts";

const logger = getLogger(["sauropod", "apiserver"]);

/** What is asked of a connection. */
export type Connection = Duplex & { readonly bytesWritten?: number; readonly remoteAddress?: string };

interface Look {
  /** Bytes that the other side has taken. */
  taken: number;
  since: Instant;
  /** Requests on it that may stand still. */
  patient: number;
}

export class Connections {
  readonly #open = new Map<Connection, Look>();

  constructor(readonly clock: Clock) {}

  get size(): number {
    return this.#open.size;
  }

  add(socket: Connection): void {
    this.#open.set(socket, { taken: 0, since: this.clock.now(), patient: 0 });
    socket.on("close", () => this.#open.delete(socket));
  }

  /** People stop reading logs and terminals for as long as they like. The answer ends it. */
  bePatient(socket: Connection): () => void {
    const look = this.#open.get(socket);
    if (look === undefined) return () => {};
    look.patient++;
    return () => void look.patient--;
  }

  /** Cuts off who has taken nothing for too long. */
  look(): void {
    const now = this.clock.now();
    for (const [socket, look] of this.#open) {
      const taken = (socket.bytesWritten ?? 0) - socket.writableLength;
      if (socket.writableLength === 0 || taken !== look.taken || look.patient > 0) {
        look.taken = taken;
        look.since = now;
        continue;
      }
      if (now - look.since < connectionStalledMs) continue;
      logger.warn("{address} has read nothing for {seconds} s of what it was sent, it is cut off", {
        address: socket.remoteAddress,
        seconds: Math.round((now - look.since) / 1000),
      });
      socket.destroy();
    }
  }

  /** Looks from time to time; the answer ends it. */
  watch(): () => void {
    let cancel = () => {};
    const next = () => {
      cancel = this.clock.after(connectionLookMs, () => {
        this.look();
        next();
      });
    };
    next();
    return () => cancel();
  }

  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy();
  }
}
