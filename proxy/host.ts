/**
 * What a host needs besides the table: kernel settings, the DNS server's address, and a route that lets this host's own programs send to
 * Service addresses where there is no default route. All through `ip` and `sysctl`; all of it removable.
 */
import { getLogger } from "log";
import { CommandError, output, type Processes } from "../lib/seams/process.ts";
import { parseIpv4 } from "./ipv4.ts";

const logger = getLogger(["sauropod", "proxy", "host"]);

export interface HostOptions {
  readonly serviceCidr: string;
  /** Address of the DNS server, `undefined`: none. */
  readonly dnsAddress: string | undefined;
  /** The interface that gets it. `lo` is everywhere; kernels may lack `dummy`. */
  readonly dnsInterface: string;
  readonly loopbackNodePorts: boolean;
}

/** Does a command that may find its work done already. */
async function run(processes: Processes, command: readonly string[], fine: RegExp): Promise<void> {
  const result = await processes.run(command);
  if (result.code !== 0 && !fine.test(result.stderr)) throw new CommandError(command, result);
}

/** Names of kernel settings and what they were before they were changed. */
export type Settings = Readonly<Record<string, string>>;

const forwarding = "net.ipv4.ip_forward";

/** What setKernel() would change: forwarding, and what NodePorts on loopback need. Only what is off is touched. */
export async function settingsToChange(processes: Processes, options: HostOptions): Promise<Settings> {
  const wanted = [forwarding];
  if (options.loopbackNodePorts) wanted.push("net.ipv4.conf.all.route_localnet");
  const settings: Record<string, string> = {};
  for (const name of wanted) {
    const value = (await output(processes, ["sysctl", "-n", name])).trim();
    if (value !== "1") settings[name] = value;
  }
  return settings;
}

export async function setKernel(processes: Processes, settings: Settings): Promise<void> {
  for (const setting of Object.keys(settings)) {
    await output(processes, ["sysctl", "-q", "-w", `${setting}=1`]);
    logger.info("set {setting} to 1", { setting });
  }
}

/** Sets them back. Forwarding stays on where a bridge is: an engine's own networks rely on it by now. */
async function setBack(processes: Processes, settings: Settings): Promise<void> {
  for (const [name, value] of Object.entries(settings)) {
    const bridges = name === forwarding ? await output(processes, ["ip", "-o", "link", "show", "type", "bridge"]) : "";
    if (bridges.trim() === "") await output(processes, ["sysctl", "-q", "-w", `${name}=${value}`]);
  }
}

export async function addDnsAddress(processes: Processes, options: HostOptions): Promise<void> {
  if (options.dnsAddress === undefined) return;
  await run(
    processes,
    ["ip", "addr", "add", `${options.dnsAddress}/32`, "dev", options.dnsInterface],
    /File exists|already assigned/,
  );
}

/**
 * Without a route a program's `connect` fails before any rule sees it. The route leads to loopback; the rules change the destination and
 * with it the route. `source` is what the program's packets get as their address.
 */
export async function addServiceRoute(
  processes: Processes,
  options: HostOptions,
  source: string | undefined,
): Promise<void> {
  const probe = options.serviceCidr.split("/")[0]!.replace(/\d+$/, (last) => String(Number(last) + 1));
  const found = await processes.run(["ip", "-4", "route", "get", probe]);
  if (found.code === 0 || source === undefined) return;
  const command = ["ip", "-4", "route", "add", options.serviceCidr, "dev", "lo", "src", source, "proto", "static"];
  await run(processes, command, /File exists|already assigned/);
  logger.info("no route leads to {range}: added one, for this host's own connections", { range: options.serviceCidr });
}

export async function removeServiceRoute(processes: Processes, { serviceCidr }: HostOptions): Promise<void> {
  await run(processes, ["ip", "-4", "route", "del", serviceCidr, "dev", "lo"], /No such process/);
}

/** What this host has of IPv4. */
export interface HostNetworks {
  /** Loopback's included. */
  readonly addresses: ReadonlySet<string>;
  /** Networks of its interfaces, without those of a single address. */
  readonly ranges: readonly string[];
}

export async function hostNetworks(processes: Processes): Promise<HostNetworks> {
  const interfaces: { addr_info?: { local?: string; prefixlen?: number }[] }[] = JSON.parse(
    await output(processes, ["ip", "-j", "-4", "addr"]),
  );
  const all = interfaces.flatMap((one) => (one.addr_info ?? []).filter(({ local }) => local !== undefined));
  return {
    addresses: new Set(all.map(({ local }) => local!)),
    ranges: all.filter(({ prefixlen = 32 }) => prefixlen < 32).map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  };
}

/** All IPv4 addresses of this host, loopback's included. */
export async function hostAddresses(processes: Processes): Promise<ReadonlySet<string>> {
  return (await hostNetworks(processes)).addresses;
}

/** Takes back the address, the route and the settings. */
export async function removeFromHost(processes: Processes, options: HostOptions, settings: Settings): Promise<void> {
  if (options.dnsAddress !== undefined) {
    const command = ["ip", "addr", "del", `${options.dnsAddress}/32`, "dev", options.dnsInterface];
    await run(processes, command, /Cannot assign requested address|not found|Cannot find device/);
  }
  await removeServiceRoute(processes, options);
  await setBack(processes, settings);
}

/** Nameservers and search domains of a resolv.conf, without our own address: it would ask itself. */
export function parseResolvConf(text: string, own: string | undefined): { servers: string[]; search: string[] } {
  const servers: string[] = [];
  let search: string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...values] = line.replace(/[#;].*$/, "").trim().split(/\s+/);
    if (word === "nameserver" && values[0] !== undefined && parseIpv4(values[0]) !== undefined) {
      if (values[0] !== own) servers.push(values[0]);
    }
    if (word === "search" || word === "domain") {
      search = values.filter((name) => name !== "." && name !== "").map((name) =>
        name.replace(/\.$/, "").toLowerCase()
      );
    }
  }
  return { servers, search };
}
