/**
 * The cluster's own word on names outside of it: the ConfigMap kube-system/kube-dns, as Kubernetes documents it (stubDomains,
 * upstreamNameservers). Pure. Left out: servers by name; federations.
 */
import { dnsStubDomainsMax } from "../../lib/limits.ts";
import type { ConfigMap } from "../../lib/types/core_v1.ts";
import { parseIpv4 } from "../ipv4.ts";
import type { Server } from "./forward.ts";

export const dnsSettings = { namespace: "kube-system", name: "kube-dns" } as const;

export interface Stubs {
  /** Who knows a domain, by its name in lower case. */
  readonly domains: ReadonlyMap<string, readonly Server[]>;
  /** Instead of those of the host; `undefined`: the host's. */
  readonly upstream: readonly Server[] | undefined;
  /** What can't be used, in words for the log. */
  readonly problems: readonly string[];
}

export const noStubs: Stubs = { domains: new Map(), upstream: undefined, problems: [] };

const isDomain = (name: string) =>
  name.length <= 253 && name.split(".").every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?$/.test(label));

/** `10.0.0.53` or `10.0.0.53:5353`; `own` would ask itself. */
function server(text: unknown, own: string): Server | undefined {
  const [, address, port = "53"] = /^([\d.]+)(?::(\d{1,5}))?$/.exec(String(text)) ?? [];
  if (address === undefined || parseIpv4(address) === undefined || address === own) return undefined;
  return Number(port) >= 1 && Number(port) <= 65_535 ? { address, port: Number(port) } : undefined;
}

/** `own`: the address of this DNS server; `domain`: what it answers for itself. */
export function readStubs(map: Pick<ConfigMap, "data"> | undefined, own: string, domain: string): Stubs {
  const problems: string[] = [];
  const json = (key: string): unknown => {
    const text = map?.data?.[key];
    if (text === undefined || text.trim() === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      problems.push(`${key} is no JSON: ${(error as Error).message}`);
      return undefined;
    }
  };
  const servers = (what: string, list: unknown): Server[] => {
    if (!Array.isArray(list)) {
      problems.push(`${what}: a list of addresses is expected`);
      return [];
    }
    return list.flatMap((one) => {
      const found = server(one, own);
      if (found === undefined) {
        problems.push(`${what}: ${JSON.stringify(one)} is no other IPv4 address, with or without a port`);
      }
      return found ?? [];
    });
  };
  const domains = new Map<string, readonly Server[]>();
  const given = json("stubDomains");
  const entries = typeof given === "object" && given !== null && !Array.isArray(given) ? Object.entries(given) : [];
  if (given !== undefined && entries.length === 0 && JSON.stringify(given) !== "{}") {
    problems.push("stubDomains: an object of domains is expected");
  }
  for (const [key, list] of entries) {
    const name = key.toLowerCase().replace(/\.$/, "");
    if (!isDomain(name)) problems.push(`stubDomains: ${JSON.stringify(key)} is no domain`);
    else if (name === domain || name.endsWith(`.${domain}`)) problems.push(`stubDomains: ${name} is the cluster's own`);
    else if (domains.size >= dnsStubDomainsMax) problems.push(`stubDomains: ${name} is one too many`);
    else {
      const found = servers(`stubDomains ${name}`, list);
      if (found.length > 0) domains.set(name, found);
    }
  }
  const upstream = json("upstreamNameservers");
  const named = upstream === undefined ? [] : servers("upstreamNameservers", upstream);
  return { domains, upstream: named.length > 0 ? named : undefined, problems };
}

/** Who is asked about a name (in lower case): the servers of the longest domain that it lies in. */
export function serversOf(name: string, { domains }: Stubs, others: readonly Server[]): readonly Server[] {
  if (domains.size === 0) return others;
  for (let rest = name; rest !== "";) {
    const found = domains.get(rest);
    if (found !== undefined) return found;
    const dot = rest.indexOf(".");
    rest = dot < 0 ? "" : rest.slice(dot + 1);
  }
  return others;
}
