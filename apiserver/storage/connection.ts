/**
 * One connection to Redis that never hangs and never repeats: commands wait a bounded time for a connection that is being
 * made, time out, and are not sent again when it breaks. Says for each failure whether the command can have happened.
 */
import { Redis, type RedisOptions } from "ioredis";
import { getLogger } from "log";
import { storeConnectWaitMs, storePendingMax, storeReconnectMaxMs, storeReconnectMinMs } from "../../lib/limits.ts";
import { type Clock, type Instant, sleep } from "../../lib/seams/clock.ts";
import type { RedisAddress } from "./redis_url.ts";
import { OutcomeUnknown, StoreUnavailable } from "./store.ts";

const log = getLogger(["sauropod", "storage"]);

export interface TlsOptions {
  /** PEM. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export interface ConnectionOptions {
  readonly address: RedisAddress;
  readonly tls?: TlsOptions;
  readonly clock: Clock;
  /** What it is for: in log lines and in Redis' CLIENT LIST. */
  readonly name: string;
  readonly commandTimeoutMs: number;
  /** How long a command waits for the connection. Default storeConnectWaitMs. */
  readonly connectWaitMs?: number;
  /** Called when nothing was answered for so long. */
  readonly onSilence?: () => void;
}

/**
 * Answers by which Redis refuses before anything was done, and which pass by themselves or by an operator's hand.
 * Before Redis 7 what a script met is inside of its own words: `ERR Error running script …: -READONLY You can't …`.
 */
const refusals =
  /(?:^|-)(READONLY|OOM|MISCONF|NOREPLICAS|LOADING|MASTERDOWN|BUSY|NOAUTH|NOPERM|WRONGPASS|CLUSTERDOWN|TRYAGAIN)\b/;

export class Connection {
  readonly redis: Redis;
  readonly #options: ConnectionOptions;
  readonly #readyListeners = new Set<() => void>();
  #pending = 0;
  /** When the last answer came, or the first question after all were answered was asked. */
  #lastHeard: Instant = 0;
  #stopWatching: (() => void) | undefined;
  #silent = false;
  #closed = false;
  #lastError = "not connected yet";
  /** It has failed, and that was logged. */
  #outage = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.redis = new Redis(redisOptions(options));
    this.redis.on("error", (error: Error) => this.#failed(error));
    this.redis.on("ready", () => this.#ready());
    this.redis.on("close", () => this.redis.options.commandTimeout = options.commandTimeoutMs);
  }

  /** Calls whenever the connection is made. */
  onReady(listener: () => void): () => void {
    this.#readyListeners.add(listener);
    return () => this.#readyListeners.delete(listener);
  }

  /** For what may be asked twice: every failure is StoreUnavailable, other than Redis calling it wrong. */
  async read<T>(send: (redis: Redis) => Promise<T>): Promise<T> {
    return await this.#command(send, (message, cause) => new StoreUnavailable(message, { cause }));
  }

  /** For what changes something: OutcomeUnknown if it was sent and the answer is missing. */
  async write<T>(send: (redis: Redis) => Promise<T>): Promise<T> {
    return await this.#command(send, (message, cause) => new OutcomeUnknown(message, { cause }));
  }

  /** Breaks the connection and makes it anew: for a peer that doesn't answer. */
  restart(): void {
    if (!this.#closed && this.redis.status === "ready") this.redis.disconnect(true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopWatching?.();
    await end(this.redis, this.#options.clock);
  }

  async #command<T>(
    send: (redis: Redis) => Promise<T>,
    lost: (message: string, cause: Error) => StoreUnavailable,
  ): Promise<T> {
    if (this.#pending >= storePendingMax) throw this.unavailable(`${storePendingMax} commands are waiting already`);
    if (this.#pending++ === 0) this.#lastHeard = this.#options.clock.now();
    if (this.#stopWatching === undefined) this.#watchFor(this.#options.commandTimeoutMs);
    try {
      return await this.#send(send);
    } catch (error) {
      throw this.#explain(error, lost);
    } finally {
      this.#pending--;
      this.#lastHeard = this.#options.clock.now();
    }
  }

  /**
   * Answers come in the order of the questions, so one timer finds out about a peer that does not answer, and all that waits for it fails
   * with the connection. A timer for each command would cost as much as the command.
   */
  #watchFor(ms: number): void {
    this.#stopWatching = this.#options.clock.after(ms, () => {
      this.#stopWatching = undefined;
      if (this.#pending === 0) return;
      const left = this.#options.commandTimeoutMs - (this.#options.clock.now() - this.#lastHeard);
      if (left > 0) return this.#watchFor(left);
      if (this.redis.status === "ready") {
        this.#silent = true;
        this.restart();
        this.#options.onSilence?.();
      }
      this.#watchFor(this.#options.commandTimeoutMs);
    });
  }

  async #send<T>(send: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.redis.status !== "ready") await this.#connected();
    try {
      return await send(this.redis);
    } catch (error) {
      if (!notSent(error)) throw error;
      // The connection is ending, ioredis has just not said so: the next one will do.
      await this.#connected();
      return await send(this.redis);
    }
  }

  /** Waits for the connection to be made. */
  async #connected(): Promise<void> {
    if (this.#closed) throw this.unavailable("closed");
    // ioredis gives up for good when an address can't even be looked up.
    if (this.redis.status === "end") this.redis.connect().catch((error: Error) => this.#failed(error));
    await new Promise<void>((resolve, reject) => {
      const done = (error?: Error) => {
        cancel();
        stop();
        error === undefined ? resolve() : reject(error);
      };
      const { clock, connectWaitMs = storeConnectWaitMs } = this.#options;
      const cancel = clock.after(connectWaitMs, () => done(this.unavailable(this.#lastError)));
      const stop = this.onReady(() => done());
    });
  }

  #explain(error: unknown, lost: (message: string, cause: Error) => StoreUnavailable): unknown {
    if (!(error instanceof Error) || error instanceof StoreUnavailable) return error;
    const { message } = error;
    if (notSent(error) || this.#closed) return this.unavailable(message, error);
    if (error.name === "ReplyError") return refusals.test(message) ? this.unavailable(message, error) : error;
    if (this.#silent) return lost(this.#text(`no answer in ${this.#options.commandTimeoutMs} ms`), error);
    // ioredis' word for it is MaxRetriesPerRequestError, with advice about an option.
    const broken = error.name === "MaxRetriesPerRequestError";
    return lost(this.#text(broken ? `the connection was lost (${this.#lastError})` : message), error);
  }

  /** An error that says where the store is and what to do. */
  unavailable(why: string, cause?: Error): StoreUnavailable {
    return new StoreUnavailable(this.#text(why), { cause });
  }

  #text(why: string): string {
    return `Redis at ${this.#options.address.shown}: ${why}; check that it runs and can be reached`;
  }

  #failed(error: Error): void {
    this.#lastError = error.message;
    // Once per outage, not once per attempt.
    if (this.#outage || this.#closed) return;
    this.#outage = true;
    const { address, name } = this.#options;
    log.warn("connection {connection} to Redis at {redis} failed, trying on: {error}", {
      connection: name,
      redis: address.shown,
      error: error.message,
    });
  }

  #ready(): void {
    this.#lastError = "the connection was lost";
    this.#silent = false;
    this.#lastHeard = this.#options.clock.now();
    // Until then it is ioredis that asks, and must not wait for ever; from now on #watchFor() sees to it.
    this.redis.options.commandTimeout = undefined;
    if (this.#outage) log.info("connection {connection} to Redis is back", { connection: this.#options.name });
    this.#outage = false;
    for (const listener of this.#readyListeners) listener();
  }
}

/** The command was refused by ioredis itself. */
function notSent(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Stream isn't writeable");
}

/** Disconnects for good. ioredis says "end" only if there was a connection to end, so the wait is bounded. */
export async function end(redis: Redis, clock: Clock): Promise<void> {
  const live = redis.status !== "end" && redis.status !== "reconnecting";
  const waited = new AbortController();
  redis.once("end", () => waited.abort());
  redis.disconnect();
  if (live) await sleep(clock, 2 * disconnectMs, waited.signal);
}

/** After this half-closed connections are cut: a peer that hangs does not close its side. */
const disconnectMs = 100;

function redisOptions(options: ConnectionOptions): RedisOptions {
  const { address } = options;
  const tls = address.tls ? { ...options.tls } : undefined;
  return {
    ...(address.path === undefined ? { host: address.host, port: address.port } : { path: address.path }),
    ...(address.sentinels === undefined ? {} : {
      sentinels: [...address.sentinels],
      name: address.name,
      sentinelRetryStrategy: reconnectMs,
      enableTLSForSentinelMode: address.tls,
      sentinelTLS: tls,
      failoverDetector: true,
    }),
    username: address.username,
    password: address.password,
    db: address.db,
    tls,
    connectionName: `sauropod-${options.name}`,
    disableClientInfo: true,
    // RESP3 has nothing that we need, and ends on servers before Redis 6.
    protocol: 2,
    connectTimeout: options.commandTimeoutMs,
    commandTimeout: options.commandTimeoutMs,
    disconnectTimeout: disconnectMs,
    retryStrategy: reconnectMs,
    // A master that became a replica: connect anew (with Sentinel: to the new master). The command itself has failed.
    reconnectOnError: (error) => /(?:^|-)READONLY\b/.test(error.message),
    // Nothing is queued and nothing is sent twice: Connection waits, and its caller decides.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    autoResubscribe: false,
  };
}

function reconnectMs(attempt: number): number {
  return Math.min(storeReconnectMinMs * 2 ** Math.min(attempt - 1, 20), storeReconnectMaxMs);
}
