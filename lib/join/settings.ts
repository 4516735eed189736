/**
 * The settings that all hosts of a cluster share. The first host's flags say them, the ConfigMap kube-system/sauropod-config
 * carries them, and a host that joins takes them from there: `--join` is the only flag that it needs.
 */
import { isIP } from "node:net";
import type { ConfigMap } from "../types/core_v1.ts";

export interface ClusterSettings {
  clusterId: string;
  clusterCidr: string;
  serviceCidr: string;
  clusterDns: string;
  clusterDomain: string;
  nodePortRange: { from: number; to: number };
  /** For further API servers, to find out whether they have the same keys. Hosts that join need none of it. */
  keys?: { readonly tokenKeyIds: readonly string[]; readonly encryption: string };
}

export const settingsMap = { namespace: "kube-system", name: "sauropod-config" } as const;

export function settingsData(settings: ClusterSettings): Record<string, string> {
  const { from, to } = settings.nodePortRange;
  const { keys } = settings;
  return {
    "cluster-id": settings.clusterId,
    "cluster-cidr": settings.clusterCidr,
    "service-cidr": settings.serviceCidr,
    "cluster-dns": settings.clusterDns,
    "cluster-domain": settings.clusterDomain,
    "node-port-range": `${from}-${to}`,
    ...(keys === undefined ? {} : { "token-key-ids": keys.tokenKeyIds.join(","), encryption: keys.encryption }),
  };
}

/** Throws an Error that names what is missing or is not what it should be. */
export function readSettings({ data = {} }: Pick<ConfigMap, "data">): ClusterSettings {
  const read = (key: string, is: (value: string) => boolean): string => {
    const value = data[key];
    if (value !== undefined && is(value)) return value;
    const { namespace, name } = settingsMap;
    throw new Error(`ConfigMap ${namespace}/${name}: ${key} is ${JSON.stringify(value ?? "")}`);
  };
  const isRange = (value: string) => {
    const [base, bits] = value.split("/");
    return isIP(base!) === 4 && /^\d+$/.test(bits ?? "") && Number(bits) <= 32;
  };
  const ports = read("node-port-range", (value) => /^\d+-\d+$/.test(value)).split("-").map(Number);
  return {
    clusterId: read("cluster-id", (value) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(value)),
    clusterCidr: read("cluster-cidr", isRange),
    serviceCidr: read("service-cidr", isRange),
    clusterDns: read("cluster-dns", (value) => isIP(value) === 4),
    clusterDomain: read("cluster-domain", (value) => /^[a-z0-9.-]+$/.test(value)),
    nodePortRange: { from: ports[0]!, to: ports[1]! },
  };
}
