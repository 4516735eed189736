/**
 * Run on a lab host: a steady load of three sorts, and what became of it.
 *   writers   create ConfigMaps as admin and remember the names that were acknowledged
 *   requests  a new connection each, to a Service that answers HTTP
 *   stream    one connection through a Service's address that echoes what it is sent, held for the whole run
 *
 *   deno run -A load.ts '{"kubeconfig": PATH, "writers": 4, "requests": "http://10.96.0.9/", "stream": "10.96.0.8:9000", "port": 7070}'
 *
 * `GET /report` on 127.0.0.1:PORT answers a Report of the time since the last one, `GET /acknowledged` all names, `GET /stop` ends it.
 */
import { createClient } from "../../../lib/client/client.ts";
import { httpsTransport, parseKubeconfig } from "../../../lib/client/kubeconfig.ts";
import { sleep, systemClock } from "../../../lib/seams/clock.ts";
import { StatusError } from "../../../lib/status.ts";
import { ConfigMap } from "../../../lib/types/kinds.ts";

export interface LoadOptions {
  kubeconfig: string;
  writers: number;
  requests: string;
  stream: string;
  port: number;
}

export interface Tally {
  ok: number;
  failed: number;
  /** The longest time in which nothing succeeded. ms */
  longestGapMs: number;
  /** The last failure. */
  last?: string;
}

export interface Report {
  writes: Tally;
  requests: Tally;
  stream: Tally;
  /** Connections that the stream needed so far: 1 is as it should be. */
  connections: number;
}

/** A load, not a flood: the machine has other work. */
const writePauseMs = 15;
const requestEveryMs = 20;
const echoEveryMs = 20;
const requestTimeoutMs = 5_000;

class Counter {
  #ok = 0;
  #failed = 0;
  #longest = 0;
  #lastOk = performance.now();
  #last: string | undefined;

  #gap(): void {
    this.#longest = Math.max(this.#longest, performance.now() - this.#lastOk);
  }

  ok(): void {
    this.#gap();
    this.#lastOk = performance.now();
    this.#ok++;
  }

  failed(error: unknown): void {
    this.#failed++;
    const cause = error instanceof Error && error.cause !== undefined ? `: ${error.cause}` : "";
    this.#last = `${error}${cause}`.slice(0, 300);
  }

  /** What was since the last time. A gap that goes on is counted as long as it is. */
  take(): Tally {
    this.#gap();
    const tally = {
      ok: this.#ok,
      failed: this.#failed,
      longestGapMs: Math.round(this.#longest),
      ...(this.#last === undefined ? {} : { last: this.#last }),
    };
    this.#ok = this.#failed = this.#longest = 0;
    this.#last = undefined;
    return tally;
  }
}

const writes = new Counter();
const requests = new Counter();
const stream = new Counter();
const acknowledged: string[] = [];
let connections = 0;

async function write(options: LoadOptions, writer: number): Promise<never> {
  const transport = httpsTransport(parseKubeconfig(await Deno.readTextFile(options.kubeconfig)));
  const client = createClient(transport, { userAgent: "load" });
  for (let i = 0;; i++) {
    const name = `w${writer}-${i}`;
    try {
      await client.create(ConfigMap, {
        metadata: { namespace: "default", name, labels: { load: "yes" } },
        data: { name },
      });
      acknowledged.push(name);
      writes.ok();
    } catch (error) {
      // Whether it was written is not known, and not asked: another name is next.
      writes.failed(error instanceof StatusError ? `${error.status.reason}: ${error.message}` : error);
    }
    await sleep(systemClock, writePauseMs);
  }
}

async function request(url: string): Promise<never> {
  for (;;) {
    await sleep(systemClock, requestEveryMs);
    const client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    try {
      const response = await fetch(url, { client, signal: AbortSignal.timeout(requestTimeoutMs) });
      const text = await response.text();
      if (response.ok && text !== "") requests.ok();
      else requests.failed(`${response.status}: ${text}`);
    } catch (error) {
      requests.failed(error);
    } finally {
      client.close();
    }
  }
}

async function hold(target: string): Promise<never> {
  const [hostname, port] = target.split(":");
  const buffer = new Uint8Array(64);
  for (;;) {
    try {
      using connection = await Deno.connect({ hostname: hostname!, port: Number(port) });
      connections++;
      for (let i = 0;; i++) {
        await connection.write(new TextEncoder().encode(`${i}\n`));
        let answer = "";
        while (!answer.endsWith("\n")) {
          const count = await connection.read(buffer);
          if (count === null) throw new Error("the other side closed the stream");
          answer += new TextDecoder().decode(buffer.subarray(0, count));
        }
        if (answer !== `${i}\n`) throw new Error(`echo of ${i} was ${JSON.stringify(answer)}`);
        stream.ok();
        await sleep(systemClock, echoEveryMs);
      }
    } catch (error) {
      stream.failed(error);
      await sleep(systemClock, 100);
    }
  }
}

function serve({ port }: LoadOptions): void {
  Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, (request) => {
    const path = new URL(request.url).pathname;
    if (path === "/acknowledged") return Response.json(acknowledged);
    if (path === "/stop") {
      systemClock.after(50, () => Deno.exit(0));
      return new Response("bye\n");
    }
    const report: Report = { writes: writes.take(), requests: requests.take(), stream: stream.take(), connections };
    return Response.json(report);
  });
}

if (import.meta.main) {
  const options: LoadOptions = JSON.parse(Deno.args[0]!);
  serve(options);
  await Promise.all([
    ...Array.from({ length: options.writers }, (_, i) => write(options, i)),
    request(options.requests),
    hold(options.stream),
  ]);
}
