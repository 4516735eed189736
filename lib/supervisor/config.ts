/** Settings of the whole: what `deno task start` takes, resolved into one value from which each component's flags are made. */
import {
  address,
  choice,
  cidr,
  duration,
  type Flag,
  FlagError,
  port,
  portRange,
  text,
  toggle,
  type Values,
} from "../flags.ts";
import { type JoinString, readJoin } from "../join/join_string.ts";
import { nodeGraceMs, nodeGraceRangeMs } from "../limits.ts";
import { logFlags } from "../log.ts";
import { autoscalerFlags } from "../autoscaler_flags.ts";
import { protectionFlags } from "../protection_flags.ts";
import { runtimeConfig } from "../runtime_config.ts";
import type { Processes } from "../seams/process.ts";
import { hostAddress, nodeNameOf } from "./host.ts";

export type Role = "server" | "agent" | "proxy";
const roles: readonly Role[] = ["server", "agent", "proxy"];

const rolesFlag: Flag<readonly Role[]> = {
  help: "what to run on this host",
  value: "ROLE,…",
  default: roles,
  parse(given) {
    const words = given.split(",");
    const wrong = words.find((word) => !roles.includes(word as Role));
    if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} is not one of ${roles.join(", ")}`);
    return roles.filter((role) => words.includes(role));
  },
};

const joinFlag: Flag<JoinString | undefined> = {
  help: "make this host a node of the cluster of this join string, or of the one in that file",
  value: "JOIN|@FILE",
  parse: (given) => readJoin(given, (path) => Deno.readTextFileSync(path)),
};

const startFlags = {
  "data-dir": text("where state lives", "DIR", "/var/lib/sauropod"),
  "bind-address": address("address that the API and the agent listen on", "0.0.0.0"),
  port: port("port of the API", 6443),
  "advertise-address": address("address at which other hosts reach the API; default: --node-ip"),
  redis: text("an existing Redis; default: a redis-server of our own", "URL"),
  "encryption-provider-config": text(
    "an EncryptionConfiguration; default: Secrets are encrypted with a key in the data directory",
    "FILE",
  ),
  engine: text("socket of the container engine; default: found", "SOCKET"),
  join: joinFlag,
  "node-name": text("name of this node; default: the host's name", "NAME"),
  "node-ip": address("address of this node; default: that of the default route"),
  "agent-port": port("port of the agent", 10250),
  "proxy-health-port": port("port of the proxy's health endpoint, on loopback", 10256),
  "cluster-cidr": cidr("range of pod addresses", "10.244.0.0/16", 24),
  "service-cidr": cidr("range of Service addresses", "10.96.0.0/16", 28),
  "cluster-dns": address("address of the cluster's DNS", "10.96.0.10"),
  "cluster-domain": text("domain of Service names", "DOMAIN", "cluster.local"),
  "node-port-range": portRange("ports for NodePort Services", { from: 30000, to: 32767 }),
  "infra-image": text("image of the container that holds a pod's network; default: built here", "IMAGE"),
  "pod-network": choice(
    "how pods' packets travel between nodes: directly on one network and in VXLAN otherwise (auto), never or always in VXLAN",
    ["auto", "direct", "vxlan"],
    "auto",
  ),
  "proxy-mode": choice("how Services are made", ["nftables", "userspace"], "nftables"),
  drain: choice("deleted pods run on until nothing is sent to them any longer", ["on", "off"], "on"),
  "runtime-config": runtimeConfig("turns parts of the API on and off: api/all=false,apps/v1=true"),
  "node-monitor-grace": duration(
    "how long a node may be silent before its state counts as unknown",
    nodeGraceMs,
    nodeGraceRangeMs,
  ),
  roles: rolesFlag,
  ...protectionFlags,
  ...autoscalerFlags,
  ...logFlags,
};

const stopFlags = { ...startFlags, "with-pods": toggle("remove the pods too") };

/** The flags of a command, `undefined` when there is no such command. */
export function flagsOf(command: string | undefined): typeof stopFlags | typeof startFlags | undefined {
  if (command === "stop") return stopFlags;
  return command === "start" || command === "reset" ? startFlags : undefined;
}

export interface StartConfig {
  dataDir: string;
  bindAddress: string;
  port: number;
  advertiseAddress: string;
  redis?: string;
  encryptionProviderConfig?: string;
  engine?: string;
  /** Absent on a first host. */
  join?: JoinString;
  nodeName: string;
  /** As the flag says it; absent when it was found. */
  givenNodeName?: string;
  nodeIp: string;
  /** It was given, and stays; otherwise the agent follows the host's. */
  nodeIpGiven: boolean;
  agentPort: number;
  proxyHealthPort: number;
  clusterCidr: string;
  serviceCidr: string;
  clusterDns: string;
  clusterDomain: string;
  nodePortRange: { from: number; to: number };
  infraImage?: string;
  podNetwork: "auto" | "direct" | "vxlan";
  proxyMode: "nftables" | "userspace";
  drain: "on" | "off";
  runtimeConfig: string;
  nodeMonitorGraceMs: number;
  roles: readonly Role[];
  /** Flags of the API server that protect it, as it takes them. */
  protection: Readonly<Record<string, string | undefined>>;
  /** Those of its autoscaler. */
  autoscaler: Readonly<Record<string, string | undefined>>;
  logLevel: string;
  logFormat: string;
  withPods: boolean;
}

/** Fills in what the host says and checks what flags must agree on. Throws FlagError. */
export async function resolveConfig(
  values: Partial<Values<typeof stopFlags>>,
  processes: Processes,
): Promise<StartConfig> {
  const nodeIp = values["node-ip"] ?? await hostAddress(processes);
  if (!contains(values["service-cidr"]!, values["cluster-dns"]!)) {
    throw new FlagError(`--cluster-dns: ${values["cluster-dns"]} is not in --service-cidr ${values["service-cidr"]}`);
  }
  for (const [a, b] of [["cluster-cidr", "service-cidr"], ["service-cidr", "cluster-cidr"]] as const) {
    if (contains(values[a]!, values[b]!.split("/")[0]!)) {
      throw new FlagError(`--${a} and --${b} overlap: ${values[a]}, ${values[b]}`);
    }
  }
  return {
    dataDir: absolute(values["data-dir"]!),
    bindAddress: values["bind-address"]!,
    port: values.port!,
    advertiseAddress: values["advertise-address"] ?? nodeIp,
    redis: values.redis,
    encryptionProviderConfig: values["encryption-provider-config"] && absolute(values["encryption-provider-config"]),
    engine: values.engine,
    join: values.join,
    givenNodeName: values["node-name"],
    nodeName: values["node-name"] ?? nodeNameOf(Deno.hostname()),
    nodeIp,
    nodeIpGiven: values["node-ip"] !== undefined,
    agentPort: values["agent-port"]!,
    proxyHealthPort: values["proxy-health-port"]!,
    clusterCidr: values["cluster-cidr"]!,
    serviceCidr: values["service-cidr"]!,
    clusterDns: values["cluster-dns"]!,
    clusterDomain: values["cluster-domain"]!,
    nodePortRange: values["node-port-range"]!,
    infraImage: values["infra-image"],
    podNetwork: values["pod-network"]!,
    proxyMode: values["proxy-mode"]!,
    drain: values.drain!,
    runtimeConfig: values["runtime-config"]!,
    nodeMonitorGraceMs: values["node-monitor-grace"]!.ms,
    roles: values.roles!,
    protection: passedOn(protectionFlags, values),
    autoscaler: passedOn(autoscalerFlags, values),
    logLevel: values["log-level"]!,
    logFormat: values["log-format"]!,
    withPods: values["with-pods"] ?? false,
  };
}

function passedOn(flags: object, values: Partial<Values<typeof stopFlags>>): Record<string, string | undefined> {
  const names = Object.keys(flags) as (keyof typeof values)[];
  const files: readonly string[] = ["audit-policy-file", "audit-log-path"];
  return Object.fromEntries(names.map((name) => {
    const value = values[name];
    if (value === undefined) return [name, undefined];
    return [name, files.includes(name) && value !== "-" ? absolute(String(value)) : String(value)];
  }));
}

function absolute(path: string): string {
  return path.startsWith("/") ? path.replace(/(.)\/+$/, "$1") : `${Deno.cwd()}/${path}`;
}

function contains(range: string, ip: string): boolean {
  const number = (dotted: string) => dotted.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const [base, bits] = range.split("/");
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(ip) / size) === Math.floor(number(base!) / size);
}
