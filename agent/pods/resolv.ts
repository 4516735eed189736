/** A pod's /etc/resolv.conf (kubelet: pkg/kubelet/network/dns). Pure. */
import type { Pod } from "../../lib/types/core_v1.ts";
import { hostNetwork } from "./pod_spec.ts";

export interface Resolver {
  readonly nameservers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** What resolv.conf(5) and Kubernetes' own limits allow. */
const nameserversMax = 3;
const searchesMax = 32;
const searchCharactersMax = 2048;

export function parseResolvConf(text: string): Resolver {
  const nameservers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split("\n")) {
    const [keyword, ...values] = line.replace(/[#;].*$/, "").trim().split(/\s+/);
    if (keyword === "nameserver" && values[0] !== undefined) nameservers.push(values[0]);
    // Later lines replace earlier ones, as the resolver library does. `.` is the root: no search at all.
    else if (keyword === "search") searches = values.map((v) => v === "." ? v : v.replace(/\.$/, ""));
    else if (keyword === "options") options = values;
  }
  return { nameservers, searches, options };
}

export interface ResolverInput {
  readonly host: Resolver;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
}

export function resolverOf(pod: Pod, { host, clusterDns, clusterDomain }: ResolverInput): Resolver {
  const cluster = () => {
    const domains = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
    return { nameservers: clusterDns, searches: unique([...domains, ...host.searches]), options: ["ndots:5"] };
  };
  const base = (): Resolver => {
    switch (pod.spec.dnsPolicy ?? "ClusterFirst") {
      case "None":
        return { nameservers: [], searches: [], options: [] };
      case "Default":
        return host;
      case "ClusterFirst":
        return hostNetwork(pod) || clusterDns.length === 0 ? host : cluster();
      case "ClusterFirstWithHostNet":
        return clusterDns.length === 0 ? host : cluster();
    }
  };
  const chosen = base();
  const extra = pod.spec.dnsConfig;
  return limited({
    nameservers: unique([...chosen.nameservers, ...extra?.nameservers ?? []]),
    searches: unique([...chosen.searches, ...extra?.searches ?? []]),
    options: mergeOptions(chosen.options, extra?.options ?? []),
  });
}

const unique = (list: readonly string[]) => [...new Set(list)];

/** An option of the pod's replaces one of the same name. */
function mergeOptions(base: readonly string[], own: readonly { name?: string; value?: string }[]): string[] {
  const merged = new Map(base.map((option) => [option.split(":")[0]!, option]));
  for (const { name = "", value } of own) {
    merged.set(name, value === undefined || value === "" ? name : `${name}:${value}`);
  }
  return [...merged.values()];
}

function limited({ nameservers, searches, options }: Resolver): Resolver {
  const fitting: string[] = [];
  for (const search of searches.slice(0, searchesMax)) {
    if ([...fitting, search].join(" ").length <= searchCharactersMax) fitting.push(search);
  }
  return { nameservers: nameservers.slice(0, nameserversMax), searches: fitting, options };
}

export function resolvConf({ nameservers, searches, options }: Resolver): string {
  return [
    ...(searches.length === 0 ? [] : [`search ${searches.join(" ")}`]),
    ...nameservers.map((server) => `nameserver ${server}`),
    ...(options.length === 0 ? [] : [`options ${options.join(" ")}`]),
  ].join("\n") + "\n";
}
