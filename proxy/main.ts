/** `deno task proxy`: makes Service addresses and names work on this node. */
import { getLogger } from "log";
import { createClient } from "../lib/client/client.ts";
import { fail } from "../lib/fail.ts";
import { processSources } from "../lib/flags.ts";
import { keepCertificates } from "../lib/join/renewal.ts";
import { startLogging } from "../lib/log.ts";
import { systemClock } from "../lib/seams/clock.ts";
import { collectAfterStart } from "../lib/garbage.ts";
import { systemProcesses } from "../lib/seams/process.ts";
import { systemRandom } from "../lib/seams/random.ts";
import { gitVersion } from "../lib/version.ts";
import { certificatesOf, openAccess } from "./access.ts";
import { parseConfig } from "./config.ts";
import { Proxy } from "./proxy.ts";

const logger = getLogger(["sauropod", "proxy"]);

async function main(): Promise<void> {
  const config = parseConfig(processSources());
  await startLogging({ level: config.logLevel, format: config.logFormat });
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => stop.abort());
  logger.info("proxy {version} on {node}, {mode}", { version: gitVersion, node: config.nodeName, mode: config.mode });
  collectAfterStart(systemClock);
  const followed = await openAccess(config.access, systemClock, stop.signal);
  const { transport } = followed;
  const proxy = new Proxy(config, {
    transport,
    reconnect: () => followed.reconnect(),
    processes: systemProcesses,
    clock: systemClock,
    random: systemRandom,
  });
  const renewing = keepCertificates(certificatesOf(config, followed), {
    client: createClient(transport, { userAgent: "sauropod-proxy" }),
    annotations: {},
    clock: systemClock,
    random: systemRandom,
    signal: stop.signal,
  });
  await Promise.all([proxy.run(stop.signal), renewing]);
  logger.info(config.mode === "nftables" ? "stopped; the rules stay" : "stopped; no Service is served here any longer");
  // Connections of the userspace mode would keep the process.
  Deno.exit(0);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    fail(error);
  }
}
