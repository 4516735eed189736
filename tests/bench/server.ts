/** A control plane of its own for a benchmark: only the API server and its Redis, in a directory that is removed afterwards. */
import { type Client, createClient } from "../../lib/client/client.ts";
import { type Access, httpsTransport, parseKubeconfig } from "../../lib/client/kubeconfig.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { type Child, systemProcesses } from "../../lib/seams/process.ts";
import { program } from "../harness/program.ts";

export interface BenchServer extends AsyncDisposable {
  client: Client;
  access: Access;
  dataDir: string;
  /** Of the supervisor, whose children are the components, and of Redis, which is nobody's child. */
  pids(): number[];
  /** From starting the program to the first answer that says ready. */
  readyMs: number;
}

/** A port that nobody uses now. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

export async function startServer(flags: string[] = ["--roles", "server"]): Promise<BenchServer> {
  const dataDir = await Deno.makeTempDir({ prefix: "sauropod-bench-" });
  const port = freePort();
  const begun = systemClock.now();
  const lines: string[] = [];
  const child: Child = systemProcesses.spawn([
    ...program,
    "start",
    ...["--data-dir", dataDir, "--port", String(port), "--bind-address", "127.0.0.1", "--node-ip", "127.0.0.1"],
    ...flags,
  ], { onLine: (line) => lines.push(line) });
  let ended = false;
  void child.ended.then(() => ended = true);
  const stop = async () => {
    child.kill("SIGTERM");
    await child.ended;
    await Deno.remove(dataDir, { recursive: true });
  };
  while (!ended) {
    try {
      const access = parseKubeconfig(await Deno.readTextFile(`${dataDir}/kubeconfig`));
      const client = createClient(httpsTransport(access));
      await client.raw("GET", "/readyz");
      // No pod is taken before its namespace has been given its account.
      await client.raw("GET", "/api/v1/namespaces/default/serviceaccounts/default");
      const readyMs = systemClock.now() - begun;
      const redis = () => Number(Deno.readTextFileSync(`${dataDir}/apiserver/redis/redis.pid`));
      return { client, access, dataDir, pids: () => [child.pid, redis()], readyMs, [Symbol.asyncDispose]: stop };
    } catch {
      // Not there yet: asked again until the supervisor gives up.
      await sleep(systemClock, 10);
    }
  }
  throw new Error(`the server did not start:\n${lines.join("\n")}`);
}
