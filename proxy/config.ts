/** The proxy's settings, parsed once into one value. */
import {
  address,
  choice,
  cidr,
  type Flag,
  FlagError,
  parseFlags,
  portRange,
  type Sources,
  text,
  toggle,
} from "../lib/flags.ts";
import { logFlags } from "../lib/log.ts";
import { parseIpv4, rangeHas } from "./ipv4.ts";
import type { Server } from "./dns/forward.ts";

interface Bind {
  address: string;
  port: number;
}

/** `IP:PORT`. */
function parseBind(given: string): Bind {
  const match = /^([\d.]+):(\d+)$/.exec(given);
  const port = Number(match?.[2]);
  if (match === null || parseIpv4(match[1]!) === undefined || port > 65_535) {
    throw new Error(`${JSON.stringify(given)} is not an IPv4 address and a port like 127.0.0.1:10256`);
  }
  return { address: match[1]!, port };
}

const bindFlag: Flag<Bind> = {
  help: "where health and metrics are served; port 0: any",
  value: "IP:PORT",
  default: Object.assign(Object.create({ toString: () => "127.0.0.1:10256" }), { address: "127.0.0.1", port: 10_256 }),
  parse: parseBind,
};

const dnsFlag: Flag<string> = {
  help: "address of the cluster's DNS, on every node; none: no DNS server",
  value: "IP|none",
  default: "10.96.0.10",
  parse: (given) => given === "none" ? given : address("").parse(given)!,
};

const upstreamFlag: Flag<readonly Server[] | undefined> = {
  help: "DNS servers for all other names; default: those of --resolv-conf",
  value: "IP[:PORT],…",
  parse: (given) => given.split(",").map((one) => parseBind(one.includes(":") ? one : `${one}:53`)),
};

const tableFlag: Flag<string> = {
  help: "name of the nftables table, which is this instance's alone",
  value: "NAME",
  default: "sauropod",
  parse(given) {
    if (!/^[a-z][a-z0-9_-]{0,31}$/.test(given)) {
      throw new Error(`${JSON.stringify(given)} is not a name of up to 32 letters, digits, "-" and "_"`);
    }
    return given;
  },
};

const domainFlag: Flag<string> = {
  help: "domain of Service names",
  value: "DOMAIN",
  default: "cluster.local",
  parse(given) {
    const domain = given.replace(/\.$/, "").toLowerCase();
    if (
      domain.length > 200 || !domain.split(".").every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))
    ) {
      throw new Error(`${JSON.stringify(given)} is not a domain name`);
    }
    return domain;
  },
};

export const proxyFlags = {
  kubeconfig: text("how to reach the API; or --server with --ca and a credential", "FILE"),
  server: text("URL of the API", "URL"),
  ca: text("PEM of the API's certificate authority", "FILE"),
  cert: text("PEM of a client certificate", "FILE"),
  key: text("PEM of its key", "FILE"),
  "token-file": text("a bearer token", "FILE"),
  "data-dir": text("where the proxy notes what it made on this host, for reset", "DIR"),
  "node-name": text("name of this node", "NAME"),
  "proxy-mode": choice("how Services are made", ["nftables", "userspace"], "nftables"),
  "cluster-cidr": cidr("range of pod addresses", "10.244.0.0/16", 32),
  "service-cidr": cidr("range of Service addresses", "10.96.0.0/16", 32),
  "cluster-dns": dnsFlag,
  "cluster-domain": domainFlag,
  "dns-interface": text("interface that gets the DNS address", "NAME", "lo"),
  "dns-upstream": upstreamFlag,
  "resolv-conf": text("where the host's DNS servers and search domains are found", "FILE", "/etc/resolv.conf"),
  "node-port-range": portRange("ports for NodePort Services", { from: 30_000, to: 32_767 }),
  "node-port-address": address(
    "address that node ports listen on in userspace mode; 0.0.0.0: all of this host's",
    "0.0.0.0",
  ),
  "no-loopback-node-ports": toggle("node ports not on 127.0.0.1"),
  "nft-table": tableFlag,
  "health-bind": bindFlag,
  ...logFlags,
};

/** How the API is reached. */
export type AccessConfig =
  | { readonly kind: "kubeconfig"; readonly path: string }
  | {
    readonly kind: "files";
    readonly server: string;
    readonly ca: string;
    readonly cert?: string;
    readonly key?: string;
    readonly token?: string;
  };

export interface ProxyConfig {
  readonly access: AccessConfig;
  readonly dataDir: string | undefined;
  readonly nodeName: string;
  readonly mode: "nftables" | "userspace";
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** `undefined`: no DNS server. */
  readonly dnsAddress: string | undefined;
  readonly dnsInterface: string;
  readonly domain: string;
  readonly upstream: readonly Server[] | undefined;
  readonly resolvConf: string;
  readonly nodePortAddress: string;
  readonly loopbackNodePorts: boolean;
  readonly table: string;
  readonly health: Bind;
  readonly logLevel: "debug" | "info" | "warning" | "error";
  readonly logFormat: "text" | "json";
}

/** Throws FlagError with the name of what is wrong. */
export function parseConfig(sources: Sources): ProxyConfig {
  const { values, rest } = parseFlags(proxyFlags, sources);
  if (rest.length > 0) throw new FlagError(`${rest[0]}: only flags are expected`);
  const nodeName = values["node-name"];
  if (nodeName === undefined) throw new FlagError("--node-name: is needed: the name of this node");
  const dns = values["cluster-dns"] === "none" ? undefined : values["cluster-dns"];
  if (rangeHas(values["cluster-cidr"], values["service-cidr"].split("/")[0]!)) {
    throw new FlagError(`--service-cidr: ${values["service-cidr"]} lies in --cluster-cidr ${values["cluster-cidr"]}`);
  }
  return {
    access: accessOf(values),
    dataDir: values["data-dir"],
    nodeName,
    mode: values["proxy-mode"],
    clusterCidr: values["cluster-cidr"],
    serviceCidr: values["service-cidr"],
    dnsAddress: dns,
    dnsInterface: values["dns-interface"],
    domain: values["cluster-domain"],
    upstream: values["dns-upstream"],
    resolvConf: values["resolv-conf"],
    nodePortAddress: values["node-port-address"]!,
    loopbackNodePorts: !values["no-loopback-node-ports"],
    table: values["nft-table"],
    health: values["health-bind"],
    logLevel: values["log-level"],
    logFormat: values["log-format"],
  };
}

type AccessFlags = Record<"kubeconfig" | "server" | "ca" | "cert" | "key" | "token-file", string | undefined>;

function accessOf(values: AccessFlags): AccessConfig {
  const { kubeconfig, server, ca, cert, key } = values;
  const token = values["token-file"];
  if (kubeconfig !== undefined) {
    if (server !== undefined) throw new FlagError("--server: is in the kubeconfig already; give one of the two");
    return { kind: "kubeconfig", path: kubeconfig };
  }
  if (server === undefined) throw new FlagError("--kubeconfig: is needed, or --server with --ca and a credential");
  if (!URL.canParse(server) || new URL(server).protocol !== "https:") {
    throw new FlagError(`--server: ${JSON.stringify(server)} is not a URL like https://10.0.0.1:6443`);
  }
  if (ca === undefined) throw new FlagError("--ca: is needed with --server");
  if (token === undefined && (cert === undefined || key === undefined)) {
    throw new FlagError("--token-file: is needed with --server, or --cert and --key");
  }
  return { kind: "files", server: server.replace(/\/+$/, ""), ca, cert, key, token };
}
