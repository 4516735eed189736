/**
 * Run on a lab host or outside of the cluster: HTTP requests of three sorts without pause, each of which must be answered whole.
 *   kept    many requests over one connection, until the server says "Connection: close"
 *   fresh   a new connection for each
 *   slow    a new connection for each, whose answer takes `slowSeconds`
 * Nothing is tried again: what a client library would hide is counted.
 *
 *   deno run -A requests.ts '{"targets": ["10.96.0.9:80"], "perSecond": 300, "slow": 4, "slowSeconds": 10}'
 *
 * Prints lines of JSON: its process id, each second its Progress, and when it is told to end (SIGTERM), after the slow ones, its Report.
 */
import { sleep, systemClock } from "../../../lib/seams/clock.ts";

export interface RequestsOptions {
  /** `IP:PORT`, in turn. */
  targets: readonly string[];
  /** Kept and fresh ones together; at most. */
  perSecond: number;
  /** Slow requests at the same time. */
  slow: number;
  slowSeconds: number;
}

export interface Progress {
  ok: number;
  failed: number;
}

export interface Report extends Progress {
  sorts: Record<Sort, Progress>;
  /** Time to the whole answer of the kept and the fresh ones. ms */
  p50: number;
  p99: number;
  longest: number;
  /** The first ones: when (ms since the start), where, what. */
  failures: readonly { at: number; sort: Sort; target: string; why: string }[];
}

type Sort = "kept" | "fresh" | "slow";

const freshShare = 0.3;
const workers = { kept: 6, fresh: 4 } as const;
const timeoutMs = 5_000;
const failuresMax = 50;

const begun = performance.now();
const counts: Record<Sort, Progress> = {
  kept: { ok: 0, failed: 0 },
  fresh: { ok: 0, failed: 0 },
  slow: { ok: 0, failed: 0 },
};
const failures: Report["failures"][number][] = [];
/** Durations by tenths of a millisecond, up to 10 s. */
const durations = new Uint32Array(100_000);
let ending = false;
let turn = 0;

const sum = (): Progress => ({
  ok: counts.kept.ok + counts.fresh.ok + counts.slow.ok,
  failed: counts.kept.failed + counts.fresh.failed + counts.slow.failed,
});

/** One request over the connection. Answers whether the server wants to close it. Throws for anything but a whole answer of 200. */
async function ask(connection: Deno.Conn, path: string): Promise<boolean> {
  await connection.write(new TextEncoder().encode(`GET ${path} HTTP/1.1\r\nHost: web\r\n\r\n`));
  const buffer = new Uint8Array(4096);
  let text = "";
  for (;;) {
    const count = await connection.read(buffer);
    if (count === null) throw new Error(`closed after ${text.length} bytes of the answer`);
    text += new TextDecoder().decode(buffer.subarray(0, count));
    const head = text.indexOf("\r\n\r\n");
    if (head < 0) continue;
    if (!text.startsWith("HTTP/1.1 200 ")) throw new Error(text.slice(0, head));
    const length = Number(/^content-length: (\d+)/im.exec(text)?.[1]);
    if (text.length >= head + 4 + length) return /^connection: close/im.test(text.slice(0, head));
  }
}

/** Fails when it takes too long: the connection is closed under it. */
async function within(ms: number, connection: Deno.Conn, path: string): Promise<boolean> {
  let late = false;
  const cancel = systemClock.after(ms, () => {
    late = true;
    connection.close();
  });
  try {
    return await ask(connection, path);
  } catch (error) {
    throw late ? new Error(`no answer within ${ms} ms`) : error;
  } finally {
    cancel();
  }
}

async function connect(target: string): Promise<Deno.Conn> {
  const [hostname, port] = target.split(":");
  const connecting = Deno.connect({ hostname: hostname!, port: Number(port) });
  let late = false;
  const timeout = new Promise<never>((_, reject) =>
    systemClock.after(timeoutMs, () => {
      late = true;
      reject(new Error(`no connection within ${timeoutMs} ms`));
    })
  );
  timeout.catch(() => late);
  connecting.then((connection) => late && connection.close(), () => {});
  return await Promise.race([connecting, timeout]);
}

function close(connection: Deno.Conn | undefined): void {
  try {
    connection?.close();
  } catch (error) {
    // It was closed because it took too long.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Asks until the end; `kept` uses a connection as long as it can. */
async function work(sort: Sort, { targets, slowSeconds }: RequestsOptions, everyMs: number): Promise<void> {
  const path = sort === "slow" ? `/slow?${slowSeconds}` : "/";
  const patience = timeoutMs + (sort === "slow" ? slowSeconds * 1000 : 0);
  let connection: Deno.Conn | undefined;
  let target = "";
  let next = performance.now();
  while (!ending) {
    const started = performance.now();
    try {
      if (connection === undefined) {
        target = targets[turn++ % targets.length]!;
        connection = await connect(target);
      }
      const last = await within(patience, connection, path);
      counts[sort].ok++;
      if (sort !== "slow") durations[Math.min(99_999, Math.round((performance.now() - started) * 10))]!++;
      if (last || sort !== "kept") {
        close(connection);
        connection = undefined;
      }
    } catch (error) {
      counts[sort].failed++;
      const why = (error as Error).message;
      if (failures.length < failuresMax) {
        failures.push({ at: Math.round(performance.now() - begun), sort, target, why });
      }
      close(connection);
      connection = undefined;
    }
    next = Math.max(next + everyMs, performance.now() - 1_000);
    await sleep(systemClock, Math.max(0, next - performance.now()));
  }
  close(connection);
}

function report(): Report {
  const total = durations.reduce((a, b) => a + b, 0);
  const quantile = (share: number) => {
    let seen = 0;
    return durations.findIndex((count) => (seen += count) >= total * share && seen > 0) / 10;
  };
  return {
    ...sum(),
    sorts: counts,
    p50: quantile(0.5),
    p99: quantile(0.99),
    longest: durations.findLastIndex((count) => count > 0) / 10,
    failures,
  };
}

if (import.meta.main) {
  const options: RequestsOptions = JSON.parse(Deno.args[0]!);
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => ending = true);
  const print = (value: unknown) => Deno.stdout.writeSync(new TextEncoder().encode(JSON.stringify(value) + "\n"));
  print({ pid: Deno.pid });
  const telling = setInterval(() => print(sum()), 1_000);
  const spread = (sort: "kept" | "fresh", share: number) =>
    Array.from(
      { length: workers[sort] },
      () => work(sort, options, 1_000 * workers[sort] / (options.perSecond * share)),
    );
  await Promise.all([
    ...spread("kept", 1 - freshShare),
    ...spread("fresh", freshShare),
    ...Array.from({ length: options.slow }, () => work("slow", options, 0)),
  ]);
  clearInterval(telling);
  print(report());
  Deno.exit(0);
}
