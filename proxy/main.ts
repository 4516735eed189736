/** `deno task proxy`: makes Service addresses and names work on this node. */
import { getLogger } from "log";
import { fail } from "../lib/fail.ts";
import { helpText, processSources } from "../lib/flags.ts";
import { startLogging } from "../lib/log.ts";
import { systemClock } from "../lib/seams/clock.ts";
import { systemProcesses } from "../lib/seams/process.ts";
import { systemRandom } from "../lib/seams/random.ts";
import { gitVersion } from "../lib/version.ts";
import { openAccess } from "./access.ts";
import { parseConfig, proxyFlags } from "./config.ts";
import { Proxy } from "./proxy.ts";

const logger = getLogger(["sauropod", "proxy"]);

async function main(): Promise<void> {
  if (Deno.args.includes("--help")) {
    Deno.stdout.writeSync(new TextEncoder().encode(helpText(proxyFlags) + "\n"));
    return;
  }
  const config = parseConfig(processSources());
  await startLogging({ level: config.logLevel, format: config.logFormat });
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => stop.abort());
  logger.info("proxy {version} on {node}, {mode}", { version: gitVersion, node: config.nodeName, mode: config.mode });
  const transport = await openAccess(config.access, systemClock, stop.signal);
  const proxy = new Proxy(config, { transport, processes: systemProcesses, clock: systemClock, random: systemRandom });
  await proxy.run(stop.signal);
  logger.info("stopped; the rules stay");
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
