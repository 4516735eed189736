/** What this disk and these cores allow: the stores that peers and we stand on, alone, every write synced before it is acknowledged. */
import { startEmbeddedRedis } from "../../apiserver/storage/embedded.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { output, systemProcesses } from "../../lib/seams/process.ts";
import { spreadOf } from "./latency.ts";
import type { Report } from "./report.ts";
import { freePort } from "./server.ts";
import { wrk, wrkMissing } from "./wrk.ts";

const value = "x".repeat(600);

async function installed(program: string): Promise<boolean> {
  return (await systemProcesses.run(["sh", "-c", `command -v ${program}`])).code === 0;
}

/** Puts through its JSON gateway: gRPC is cheaper for etcd, and needs a client that wrk is not. */
async function etcd(report: Report): Promise<void> {
  const missing = await installed("etcd") ? await wrkMissing() : "needs etcd (apt-get install etcd-server)";
  if (missing !== undefined) return report.skip("etcd", missing);
  const dir = await Deno.makeTempDir({ prefix: "sauropod-etcd-" });
  const [client, peer] = [freePort(), freePort()].map((port) => `http://127.0.0.1:${port}`);
  const child = systemProcesses.spawn([
    ...["etcd", "--data-dir", dir, "--name", "bench", "--logger", "zap", "--log-level", "error"],
    ...["--listen-client-urls", client!, "--advertise-client-urls", client!],
    ...["--listen-peer-urls", peer!, "--initial-advertise-peer-urls", peer!, "--initial-cluster", `bench=${peer}`],
  ], { onLine: () => {} });
  try {
    await answers(`${client}/health`);
    for (const clients of [1, 16, 64]) {
      const request = `  return wrk.format("POST", nil, nil, '{"key":"' .. b64(run .. "-" .. n) .. '","value":"${
        btoa(value)
      }"}')`;
      const result = await wrk({ url: `${client}/v3/kv/put`, clients, seconds: 3, request, prelude: base64 });
      const more = spreadOf(result.p50Ms, result.p99Ms);
      report.add({ what: `etcd, put of 600 bytes, ${clients} clients`, value: result.perSecond, unit: "/s", more });
    }
  } finally {
    child.kill("SIGTERM");
    await child.ended;
    await Deno.remove(dir, { recursive: true });
  }
}

/** Keys are numbers and letters: three characters become four. */
const base64 = `
local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
function b64(s)
  while #s % 3 ~= 0 do s = s .. "." end
  return (s:gsub("...", function(t)
    local a, b, c = t:byte(1, 3)
    local v = a * 65536 + b * 256 + c
    local out = ""
    for shift = 18, 0, -6 do
      local i = math.floor(v / 2 ^ shift) % 64
      out = out .. digits:sub(i + 1, i + 1)
    end
    return out
  end))
end
`;

async function answers(url: string): Promise<void> {
  const until = systemClock.now() + 20_000;
  for (;;) {
    const { code } = await systemProcesses.run(["curl", "-fsS", "--max-time", "1", url]);
    if (code === 0) return;
    if (systemClock.now() > until) throw new Error(`${url} does not answer`);
  }
}

async function redis(report: Report): Promise<void> {
  if (!await installed("redis-benchmark")) {
    return report.skip("redis", "needs redis-benchmark (apt-get install redis-tools)");
  }
  const dir = await Deno.makeTempDir({ prefix: "sauropod-redis-" });
  const server = await startEmbeddedRedis({ dir });
  try {
    for (const clients of [1, 16, 64]) {
      const text = await output(systemProcesses, [
        ...[
          "redis-benchmark",
          "-s",
          `${dir}/redis.sock`,
          "-c",
          String(clients),
          "-n",
          String(Math.min(40_000, clients * 4_000)),
        ],
        ...["-r", "100000", "--csv", "HSET", "objects", "key-__rand_int__", value],
      ]);
      // "test","rps","avg","min","p50","p95","p99","max"
      const cells = text.trim().split("\n").at(-1)!.split(",").map((cell) => Number(cell.replaceAll('"', "")));
      const more = spreadOf(cells[4]!, cells[6]!);
      report.add({ what: `redis, HSET of 600 bytes, ${clients} clients`, value: cells[1]!, unit: "/s", more });
    }
  } finally {
    await server.stop();
    await Deno.remove(dir, { recursive: true });
  }
}

export async function floor(report: Report): Promise<void> {
  await etcd(report);
  await redis(report);
}
