/** Runs wrk, which costs a tenth of what a client in JavaScript would: server and client share the cores. */
import { output, systemProcesses } from "../../lib/seams/process.ts";

export interface Load {
  /** Whole URL. */
  url: string;
  clients: number;
  seconds: number;
  /** Sent as bearer; none when absent. */
  token?: string;
  /** Lua, run once: functions for `request`. */
  prelude?: string;
  /** What runs it elsewhere: in a network namespace. */
  enter?: readonly string[];
  /** Lua, run for each request of a thread; `n` counts the thread's requests and `run` is unique. */
  request?: string;
}

export interface Result {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
  errors: number;
  requests: number;
}

const done = `
done = function(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
`;

let runs = 0;

/** Why it can't be used here. */
export async function wrkMissing(): Promise<string | undefined> {
  const found = await systemProcesses.run(["sh", "-c", "command -v wrk"]);
  return found.code === 0 ? undefined : "needs wrk (apt-get install wrk)";
}

export async function wrk({ url, clients, seconds, token, request, prelude = "", enter = [] }: Load): Promise<Result> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    const body = request === undefined ? "" : `local n = 0\nrequest = function()\n  n = n + 1\n${request}\nend\n`;
    const credentials = token === undefined ? "" : `wrk.headers["Authorization"] = "Bearer ${token}"\n`;
    const headers = `${credentials}wrk.headers["Content-Type"] = "application/json"\n`;
    await Deno.writeTextFile(script, `local run = "r${runs++}"\n${headers}${prelude}${body}${done}`);
    const text = await output(systemProcesses, [
      ...enter,
      "wrk",
      "-t1",
      `-c${clients}`,
      `-d${seconds}s`,
      "--timeout",
      "20s",
      "-s",
      script,
      url,
    ]);
    const found = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(text)!.slice(1).map(Number);
    const [requests, micros, p50, p99, errors] = found as [number, number, number, number, number];
    return { requests, perSecond: requests / (micros / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, errors };
  } finally {
    await Deno.remove(script);
  }
}
