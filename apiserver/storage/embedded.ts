/**
 * A redis-server of our own, on a unix socket in the data dir: durable (every acknowledged write is synced), reachable by
 * nobody else, and independent of us. It is started as a daemon, so that a Ctrl-C in our terminal or our own kill -9 does
 * not end it under writes; whoever starts next adopts it. If it dies it is started again.
 * Leaves out: changing the settings of an adopted one (they are applied at its next start).
 */
import { getLogger } from "log";
import {
  embeddedBindTimeoutMs,
  embeddedLogBytesMax,
  embeddedRestartMaxMs,
  embeddedRestartMinMs,
  embeddedStableMs,
  embeddedStartTimeoutMs,
  embeddedStopTimeoutMs,
  unixSocketPathBytesMax,
} from "../../lib/limits.ts";
import { type Clock, sleep, systemClock } from "../../lib/seams/clock.ts";
import { readText, writeAtomic } from "../../lib/seams/files.ts";
import { type Processes, systemProcesses } from "../../lib/seams/process.ts";
import { call, Line } from "./resp_line.ts";

const log = getLogger(["sauropod", "storage", "embedded"]);

export interface EmbeddedOptions {
  /** Made with mode 0700 if it is not there. */
  readonly dir: string;
  /** Default: the first of redis-server and valkey-server that runs. */
  readonly program?: string;
  /** Further lines of redis.conf. */
  readonly settings?: readonly string[];
  readonly processes?: Processes;
  readonly clock?: Clock;
}

export interface EmbeddedRedis {
  /** For RedisStoreOptions. */
  readonly url: string;
  /** True if it was running already. */
  readonly adopted: boolean;
  /** Of the server that runs now. */
  pid(): Promise<number>;
  /** Stops it, everything synced. Rejects if it does not end in time. */
  stop(): Promise<void>;
  /** Leaves it running and forgets it. */
  leave(): void;
}

/** Throws Error if no program is found, if the path is too long, or with the end of its log if it does not start. */
export async function startEmbeddedRedis(options: EmbeddedOptions): Promise<EmbeddedRedis> {
  const server = new Embedded(options);
  await server.start();
  return server;
}

class Embedded implements EmbeddedRedis {
  readonly url: string;
  adopted = false;
  readonly #dir: string;
  readonly #socket: string;
  readonly #settings: readonly string[];
  readonly #processes: Processes;
  readonly #clock: Clock;
  readonly #ending = new AbortController();
  #program: string | undefined;
  /** Where the log of the present server begins, in characters. */
  #logStart = 0;
  #watching: Promise<void> = Promise.resolve();

  constructor(options: EmbeddedOptions) {
    this.#dir = options.dir;
    this.#socket = `${options.dir}/redis.sock`;
    this.#program = options.program;
    this.#settings = options.settings ?? [];
    this.#processes = options.processes ?? systemProcesses;
    this.#clock = options.clock ?? systemClock;
    this.url = this.#socket;
    const bytes = new TextEncoder().encode(this.#socket).length;
    if (!this.#socket.startsWith("/") || bytes > unixSocketPathBytesMax) {
      throw new Error(
        `${this.#socket}: the embedded Redis needs an absolute path of at most ${unixSocketPathBytesMax} bytes for its ` +
          `socket, this one has ${bytes}; choose a shorter --data-dir`,
      );
    }
  }

  async start(): Promise<void> {
    await Deno.mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await Deno.chmod(this.#dir, 0o700);
    this.adopted = await this.#isAlive();
    if (!this.adopted) await this.#launch();
    // Held open to learn at once that the server has died.
    const line = await this.#answering();
    log.info(this.adopted ? "adopted the Redis that runs on {socket}" : "started Redis on {socket}", {
      socket: this.#socket,
    });
    this.#watching = this.#watch(line);
  }

  async pid(): Promise<number> {
    const info = await call(this.#socket, "INFO", "server");
    return Number(/^process_id:(\d+)/m.exec(info)?.[1]);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#watching;
    const line = await Line.open(this.#socket);
    if (line === undefined) return;
    // Answers only if it refuses; otherwise every connection to it ends.
    line.send("SHUTDOWN", "NOSAVE");
    const timeout = new AbortController();
    const late = sleep(this.#clock, embeddedStopTimeoutMs, timeout.signal).then(() => "late" as const);
    const first = await Promise.race([line.ended, late]);
    timeout.abort();
    line.close();
    if (first !== "late") return;
    throw new Error(
      `Redis on ${this.#socket} has not stopped in ${embeddedStopTimeoutMs} ms; its log is ${this.#logPath}`,
    );
  }

  leave(): void {
    this.#ending.abort();
  }

  /** Starts it again whenever it dies, until `#ending`. */
  async #watch(line: Line): Promise<void> {
    const { signal } = this.#ending;
    const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    let backoffMs = embeddedRestartMinMs;
    while (!signal.aborted) {
      const since = this.#clock.now();
      await Promise.race([line.ended, aborted]);
      line.close();
      if (this.#clock.now() - since > embeddedStableMs) backoffMs = embeddedRestartMinMs;
      let next: Line | undefined;
      while (next === undefined && !signal.aborted) {
        next = await this.#attach(backoffMs);
        backoffMs = Math.min(backoffMs * 2, embeddedRestartMaxMs);
      }
      line = next ?? line;
    }
    line.close();
  }

  /** A connection to the server that runs, or to one that is started after a while. */
  async #attach(backoffMs: number): Promise<Line | undefined> {
    try {
      // Somebody may just have cut our connection.
      if (await this.#isAlive()) return await this.#answering();
      log.error("Redis on {socket} has died; starting it again in {backoffMs} ms", { socket: this.#socket, backoffMs });
      await sleep(this.#clock, backoffMs, this.#ending.signal);
      if (this.#ending.signal.aborted) return undefined;
      await this.#launch();
      return await this.#answering();
    } catch (error) {
      log.error("starting Redis failed: {error}", { error: String(error) });
      return undefined;
    }
  }

  /** Resolves when the daemon has been made; it may still be loading. */
  async #launch(): Promise<void> {
    await this.#cutLog();
    const program = await this.#findProgram();
    const config = `${this.#dir}/redis.conf`;
    await writeAtomic(config, [...settings(this.#dir, this.#socket), ...this.#settings, ""].join("\n"));
    const { code, stdout, stderr } = await this.#processes.run([program, config]);
    if (code !== 0) throw new Error(`${program} ${config}: exit code ${code}: ${(stderr || stdout).trim()}`);
  }

  /** A connection to it once it answers; while it loads, which may take long, the answer is -LOADING. */
  async #answering(): Promise<Line> {
    const begin = this.#clock.now();
    let lastSeen = begin;
    for (let waitMs = 5;; waitMs = Math.min(waitMs * 2, 200)) {
      const line = await Line.open(this.#socket);
      const answer = line === undefined ? undefined : await this.#ping(line);
      if (answer === "+PONG") return line!;
      line?.close();
      const now = this.#clock.now();
      if (answer !== undefined) lastSeen = now;
      const gone = now - lastSeen > embeddedBindTimeoutMs || now - begin > embeddedStartTimeoutMs;
      if (gone || await this.#gaveUp()) throw await this.#notStarted();
      await sleep(this.#clock, waitMs);
    }
  }

  /**
   * Somebody listens and reads there: also one that is loading, or too busy to answer. A connection alone says little:
   * a server that is dying still accepts, for a moment.
   */
  async #isAlive(): Promise<boolean> {
    for (;;) {
      const line = await Line.open(this.#socket);
      if (line === undefined) return false;
      const answer = await this.#ping(line);
      line.close();
      if (answer !== undefined) return true;
      await sleep(this.#clock, 5);
    }
  }

  /** What it answers, "" if nothing in time; undefined if the connection ended. */
  async #ping(line: Line): Promise<string | undefined> {
    const answered = new AbortController();
    const late = sleep(this.#clock, embeddedBindTimeoutMs, answered.signal).then(() => "");
    const answer = await Promise.race([line.ask("PING"), late]);
    answered.abort();
    return answer;
  }

  /** A daemon has no exit code to wait for, but it says why it ends. */
  async #gaveUp(): Promise<boolean> {
    const text = (await readText(this.#logPath) ?? "").slice(this.#logStart);
    return /Fatal error|Bad file format|reading the append only file|Failed opening|Can't open|Can't handle/.test(text);
  }

  async #notStarted(): Promise<Error> {
    const tail = await this.#logTail();
    const repair = /aof|append only/i.test(tail) ? "; redis-check-aof may repair the file after a copy was made" : "";
    return new Error(`Redis does not start on ${this.#socket}${repair}. The end of ${this.#logPath}:\n${tail}`);
  }

  get #logPath(): string {
    return `${this.#dir}/redis.log`;
  }

  async #logTail(): Promise<string> {
    const text = await readText(this.#logPath) ?? "";
    return text.trimEnd().split("\n").slice(-8).join("\n");
  }

  async #cutLog(): Promise<void> {
    let text = await readText(this.#logPath) ?? "";
    if (text.length > embeddedLogBytesMax) {
      text = text.slice(-embeddedLogBytesMax / 2);
      await writeAtomic(this.#logPath, text);
    }
    this.#logStart = text.length;
  }

  async #findProgram(): Promise<string> {
    if (this.#program !== undefined) return this.#program;
    for (const program of ["redis-server", "valkey-server"]) {
      try {
        if ((await this.#processes.run([program, "--version"])).code === 0) return this.#program = program;
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    throw new Error("neither redis-server nor valkey-server is installed: run ./install.sh, or give --redis URL");
  }
}

/** redis.conf. Paths are quoted as Redis reads them (sdssplitargs), which JSON's quoting is a subset of. */
function settings(dir: string, socket: string): string[] {
  return [
    "# Written at every start: changes are lost.",
    "daemonize yes",
    `dir ${JSON.stringify(dir)}`,
    `pidfile ${JSON.stringify(`${dir}/redis.pid`)}`,
    `logfile ${JSON.stringify(`${dir}/redis.log`)}`,
    // No TCP port. Who may use the socket is who may enter the directory: us.
    "port 0",
    `unixsocket ${JSON.stringify(socket)}`,
    "unixsocketperm 700",
    // A write is acknowledged after it was synced; writes that arrive together share one sync.
    "appendonly yes",
    "appendfsync always",
    "no-appendfsync-on-rewrite no",
    // A write that a power cut has torn was never acknowledged.
    "aof-load-truncated yes",
    "auto-aof-rewrite-percentage 100",
    "auto-aof-rewrite-min-size 64mb",
    'save ""',
    "timeout 0",
    "databases 1",
  ];
}
