/** `deno run proxy/reset.ts --data-dir DIR`: takes back everything that the proxy made on this host. For `deno task reset`. */
import { parseFlags, processSources } from "../lib/flags.ts";
import { systemClock } from "../lib/seams/clock.ts";
import { systemProcesses } from "../lib/seams/process.ts";
import { proxyFlags } from "./config.ts";
import { type Made, readMade, removeMade } from "./made.ts";

/** What to remove, by the note of the last run where there is one, by the flags otherwise. */
export async function whatToRemove(values: ReturnType<typeof parseFlags<typeof proxyFlags>>["values"]): Promise<Made> {
  const noted = values["data-dir"] === undefined ? undefined : await readMade(values["data-dir"]);
  const dns = values["cluster-dns"];
  return noted ?? {
    table: values["nft-table"],
    host: {
      serviceCidr: values["service-cidr"],
      dnsAddress: dns === "none" ? undefined : dns,
      dnsInterface: values["dns-interface"],
      loopbackNodePorts: !values["no-loopback-node-ports"],
    },
  };
}

if (import.meta.main) {
  const made = await whatToRemove(parseFlags(proxyFlags, processSources()).values);
  await removeMade(made, systemProcesses, systemClock);
}
