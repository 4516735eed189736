/**
 * TCP connections into pods. First to the pod's address; where nothing listens on that (a server that is bound to loopback),
 * from within the pod's network namespace, through a relay that is started on first need and ends by itself.
 */
import { podDialMs, relayIdleMs } from "../../lib/limits.ts";
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import type { Child, Processes } from "../../lib/seams/process.ts";

export interface PodAddress {
  /** A process in the pod's network namespace. */
  readonly pid: number;
  readonly ip: string;
  /** The pod is in the host's own network: its loopback is ours. */
  readonly hostNetwork: boolean;
}

export interface PodDialer {
  /** Throws DialError. */
  dial(pod: PodAddress, port: number): Promise<Deno.Conn>;
  close(): Promise<void>;
}

export class DialError extends Error {
  override name = "DialError";
}

export interface DialerOptions {
  readonly clock: Clock;
  readonly processes: Processes;
  /** For the relays' sockets; short, as a socket's path has at most 107 bytes. */
  readonly directory: string;
}

interface Relay {
  readonly child: Child;
  readonly path: string;
  readonly ready: Promise<void>;
}

export function createPodDialer(options: DialerOptions): PodDialer {
  return new Dialer(options);
}

class Dialer implements PodDialer {
  readonly #relays = new Map<number, Relay>();

  constructor(readonly options: DialerOptions) {}

  async dial(pod: PodAddress, port: number): Promise<Deno.Conn> {
    const addresses = pod.hostNetwork ? ["127.0.0.1", pod.ip] : [pod.ip];
    let refused: unknown;
    for (const hostname of addresses) {
      try {
        return await this.#connect(hostname, port);
      } catch (error) {
        refused = error;
      }
    }
    if (pod.hostNetwork) throw new DialError(`dial tcp4 127.0.0.1:${port}: ${message(refused)}`, { cause: refused });
    return await this.#throughRelay(pod, port);
  }

  async #connect(hostname: string, port: number): Promise<Deno.Conn> {
    const abort = new AbortController();
    const cancel = this.options.clock.after(podDialMs, () => abort.abort());
    try {
      const conn = await Deno.connect({ hostname, port, signal: abort.signal });
      conn.setNoDelay(true);
      return conn;
    } finally {
      cancel();
    }
  }

  async #throughRelay(pod: PodAddress, port: number): Promise<Deno.Conn> {
    const relay = await this.#relay(pod.pid);
    let conn: Deno.Conn;
    try {
      await relay.ready;
      conn = await Deno.connect({ transport: "unix", path: relay.path });
    } catch (error) {
      throw new DialError(`the network of process ${pod.pid} can't be entered: ${message(error)}`, { cause: error });
    }
    await conn.write(new TextEncoder().encode(`${port}\n`));
    const answer = new Uint8Array(512);
    const n = await conn.read(answer.subarray(0, 1));
    if (n === 1 && answer[0] === 0) return conn;
    const more = await conn.read(answer) ?? 0;
    conn.close();
    const reason = new TextDecoder().decode(answer.subarray(0, more)) || "connection refused";
    throw new DialError(`failed to connect to localhost:${port} inside namespace: ${reason}`);
  }

  async #relay(pid: number): Promise<Relay> {
    const known = this.#relays.get(pid);
    if (known !== undefined) return known;
    await Deno.mkdir(this.options.directory, { recursive: true, mode: 0o700 });
    const path = `${this.options.directory}/relay-${pid}.sock`;
    await removeFile(path);
    const again = this.#relays.get(pid);
    return again ?? this.#start(pid, path);
  }

  #start(pid: number, path: string): Relay {
    const program = new URL("./netns_relay.ts", import.meta.url).pathname;
    const command = [
      ...["nsenter", "-t", String(pid), "-n", "--"],
      ...[
        Deno.execPath(),
        "run",
        "--no-config",
        "--no-check",
        "--allow-net",
        `--allow-read=${path}`,
        `--allow-write=${path}`,
      ],
      ...[program, path, String(relayIdleMs)],
    ];
    const said: string[] = [];
    const child = this.options.processes.spawn(command, { onLine: (line) => said.push(line) });
    let ended = false;
    void child.ended.then(() => {
      ended = true;
      this.#relays.delete(pid);
      return removeFile(path);
    });
    const listening = async () => {
      const deadline = this.options.clock.now() + podDialMs;
      while (!await isSocket(path)) {
        if (ended) throw new DialError(said.slice(-3).join(" ") || "the relay ended at once");
        if (this.options.clock.now() > deadline) throw new DialError("the relay did not start in time");
        await sleep(this.options.clock, 10);
      }
    };
    const relay = { child, path, ready: listening() };
    relay.ready.catch(() => child.kill("SIGKILL"));
    this.#relays.set(pid, relay);
    return relay;
  }

  async close(): Promise<void> {
    const relays = [...this.#relays.values()];
    for (const { child } of relays) child.kill("SIGTERM");
    await Promise.all(relays.map(({ child }) => child.ended));
    for (const { path } of relays) await removeFile(path);
  }
}

async function isSocket(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isSocket === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
