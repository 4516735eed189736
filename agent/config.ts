/** The agent's flags, and what they amount to: parsed once. */
import { address, choice, cidr, FlagError, parseFlags, port, type Sources, text } from "../lib/flags.ts";
import { logFlags } from "../lib/log.ts";
import { readText } from "../lib/seams/files.ts";
import type { Processes } from "../lib/seams/process.ts";
import { hostAddress, nodeNameOf } from "../lib/supervisor/host.ts";
import { podNetworkModes } from "./network/network.ts";

const count = (help: string, fallback: number, range: { from: number; to: number }) => ({
  help,
  value: "N",
  default: fallback,
  parse(given: string): number {
    const number = Number(given);
    if (!/^\d+$/.test(given) || number < range.from || number > range.to) {
      throw new Error(`${JSON.stringify(given)} is not a whole number from ${range.from} to ${range.to}`);
    }
    return number;
  },
});

const labelList = {
  help: "labels that the node registers with",
  value: "K=V,…",
  default: {} as Record<string, string>,
  parse(given: string): Record<string, string> {
    const pairs = given.split(",").filter((part) => part !== "").map((part) => {
      const equals = part.indexOf("=");
      if (equals < 1) throw new Error(`${JSON.stringify(part)} is not a label like key=value`);
      return [part.slice(0, equals), part.slice(equals + 1)] as const;
    });
    return Object.fromEntries(pairs);
  },
};

export const agentFlags = {
  kubeconfig: text("how to reach the API server", "FILE", "/var/lib/sauropod/agent/kubeconfig"),
  "data-dir": text("where the agent keeps its own", "DIR", "/var/lib/sauropod/agent"),
  "cluster-id": text("the cluster's id: labels all that is made", "ID"),
  "cluster-id-file": text("a file with the cluster's id, instead of --cluster-id", "FILE"),
  engine: text("the container engine's socket; found when it is not given", "SOCKET"),
  "node-name": text("this node's name; the host's when it is not given", "NAME"),
  "node-ip": address("the address that other nodes reach this one by"),
  "node-labels": labelList,
  "bind-address": text("where the kubelet API listens", "IP", "0.0.0.0"),
  port: port("the kubelet API's port", 10250),
  "tls-cert": text("certificate of the kubelet API", "FILE", "/var/lib/sauropod/agent/server.crt"),
  "tls-key": text("its key", "FILE", "/var/lib/sauropod/agent/server.key"),
  "client-ca": text("who signs the certificates of those who may call it", "FILE", "/var/lib/sauropod/pki/ca.crt"),
  "cluster-cidr": cidr("addresses of all pods", "10.244.0.0/16", 24),
  "service-cidr": cidr("addresses of all Services", "10.96.0.0/16", 28),
  "cluster-dns": text("addresses of the cluster's DNS servers", "IP,…", "10.96.0.10"),
  "cluster-domain": text("the cluster's DNS domain", "DOMAIN", "cluster.local"),
  "infra-image": text("image of the containers that hold pods' namespaces; built here when it is not given", "IMAGE"),
  "pod-network": choice(
    "how pods' packets travel between nodes: directly on one network and in VXLAN otherwise (auto), never or always in VXLAN",
    podNetworkModes,
    "auto",
  ),
  "pod-network-mtu": count("largest packet of the pods' network, bytes; 0: found", 0, { from: 0, to: 65535 }),
  "max-pods": count("pods that this node takes", 110, { from: 1, to: 1000 }),
  drain: choice("deleted pods run on until nothing is sent to them any longer", ["on", "off"], "on"),
  ...logFlags,
};

type Values = ReturnType<typeof parseFlags<typeof agentFlags>>["values"];

export interface AgentConfig extends Values {
  readonly clusterId: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly dns: readonly string[];
}

/** `rest` are words that are no flags. Throws FlagError. */
export async function agentConfig(
  sources: Sources,
  processes: Processes,
): Promise<{ config: AgentConfig; rest: string[] }> {
  const { values, rest } = parseFlags(agentFlags, sources);
  const file = values["cluster-id-file"];
  const clusterId = values["cluster-id"] ?? (file === undefined ? undefined : (await readText(file))?.trim());
  if (clusterId === undefined || !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(clusterId)) {
    const from = file === undefined ? "--cluster-id" : `--cluster-id-file ${file}`;
    throw new FlagError(
      `${from}: ${JSON.stringify(clusterId ?? "")} is not a cluster's id: lower-case letters, digits and hyphens`,
    );
  }
  const dns = values["cluster-dns"].split(",").map((one) => one.trim()).filter((one) => one !== "");
  const nodeName = values["node-name"] ?? nodeNameOf(Deno.hostname());
  const nodeIp = values["node-ip"] ?? await hostAddress(processes);
  return { config: { ...values, clusterId, dns, nodeName, nodeIp }, rest };
}

/** Where the agent's sockets are: short (a socket's path has at most 107 bytes), its own, and gone after a reboot. */
export function runDirectory({ clusterId, nodeName }: Pick<AgentConfig, "clusterId" | "nodeName">): string {
  return `/run/sauropod-${clusterId.slice(0, 16)}-${nodeName.slice(0, 32)}`;
}
