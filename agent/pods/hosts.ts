/** A pod's hostname and /etc/hosts, in kubelet's format. Pure. */
import type { Pod } from "../../lib/types/core_v1.ts";
import { hostNetwork } from "./pod_spec.ts";

/** A label of DNS has at most this many characters, and Linux takes this many of a hostname. */
const labelMax = 63;
const linuxHostnameMax = 64;

export class HostnameError extends Error {
  override name = "HostnameError";
}

export interface Names {
  readonly hostname: string;
  /** `sub.ns.svc.cluster.local`; empty without a subdomain. */
  readonly domain: string;
}

/** Throws HostnameError when setHostnameAsFQDN asks for more than Linux allows. */
export function podNames(pod: Pod, clusterDomain: string): Names {
  const { spec, metadata } = pod;
  if (spec.hostnameOverride !== undefined) return { hostname: spec.hostnameOverride, domain: "" };
  const hostname = spec.hostname !== undefined && spec.hostname !== "" ? spec.hostname : cut(metadata.name);
  const domain = spec.subdomain !== undefined && spec.subdomain !== ""
    ? `${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`
    : "";
  return { hostname, domain };
}

/** What the kernel is told. */
export function kernelHostname(pod: Pod, clusterDomain: string): string {
  const { hostname, domain } = podNames(pod, clusterDomain);
  if (pod.spec.setHostnameAsFQDN !== true || domain === "") return hostname;
  const fqdn = `${hostname}.${domain}`;
  if (fqdn.length <= linuxHostnameMax) return fqdn;
  throw new HostnameError(
    `Failed to construct FQDN from Pod hostname and cluster domain, FQDN ${fqdn} is too long (${linuxHostnameMax} characters is the max, ${fqdn.length} characters requested)`,
  );
}

const cut = (name: string) => name.length <= labelMax ? name : name.slice(0, labelMax).replace(/[-.]+$/, "");

/** `hostFile` is the node's own /etc/hosts, which pods in its network see. */
export function hostsFile(
  pod: Pod,
  { podIPs, clusterDomain, hostFile }: { podIPs: readonly string[]; clusterDomain: string; hostFile: string },
): string {
  const lines: string[] = [];
  if (hostNetwork(pod)) {
    lines.push("# Kubernetes-managed hosts file (host network).", hostFile.replace(/\n$/, ""));
  } else {
    lines.push(
      "# Kubernetes-managed hosts file.",
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::0\tip6-localnet",
      "fe00::0\tip6-mcastprefix",
      "fe00::1\tip6-allnodes",
      "fe00::2\tip6-allrouters",
    );
    const { hostname, domain } = podNames(pod, clusterDomain);
    const names = domain === "" ? hostname : `${hostname}.${domain}\t${hostname}`;
    for (const ip of podIPs) lines.push(`${ip}\t${names}`);
  }
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length > 0) {
    lines.push("", "# Entries added by HostAliases.");
    for (const { ip, hostnames } of aliases) lines.push([ip, ...hostnames ?? []].join("\t"));
  }
  return lines.join("\n") + "\n";
}
