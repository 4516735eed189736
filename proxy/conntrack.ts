/**
 * UDP has no connections, but the kernel's connection tracking remembers where a client's datagrams went, for as long as they keep coming:
 * to an endpoint that is gone, or to nobody when the Service had none. Such entries are found by comparing all entries with all Services,
 * so that nothing depends on having seen the change. TCP is left alone: its connections end by themselves.
 */
import { conntrackDeletesMax } from "../lib/limits.ts";
import { CommandError, type Processes } from "../lib/seams/process.ts";
import { getLogger } from "log";
import type { Backend, ServiceEntry } from "./model.ts";

const logger = getLogger(["sauropod", "proxy", "conntrack"]);

/** One tracked flow: where its client sent it, and who answers. */
export interface Flow {
  readonly to: string;
  readonly port: number;
  readonly answeredBy: string;
  readonly answeredFrom: number;
}

/** The flows in the output of `conntrack -L -p udp`. */
export function parseFlows(text: string): Flow[] {
  const flows: Flow[] = [];
  for (const line of text.split("\n")) {
    const dst = line.matchAll(/ dst=(\S+)/g).map((m) => m[1]!).toArray();
    const src = line.matchAll(/ src=(\S+)/g).map((m) => m[1]!).toArray();
    const dport = line.matchAll(/ dport=(\d+)/g).map((m) => Number(m[1])).toArray();
    const sport = line.matchAll(/ sport=(\d+)/g).map((m) => Number(m[1])).toArray();
    if (dst.length < 1 || src.length < 2 || dport.length < 1 || sport.length < 2) continue;
    flows.push({ to: dst[0]!, port: dport[0]!, answeredBy: src[1]!, answeredFrom: sport[1]! });
  }
  return flows;
}

/** Flows to a Service that are answered by what is none of its endpoints; each way once. Pure. */
export function planFlows(
  flows: readonly Flow[],
  services: Iterable<ServiceEntry>,
  nodeAddresses: ReadonlySet<string>,
): Flow[] {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byNodePort = new Map<number, ReadonlySet<string>>();
  const name = (backend: Backend) => `${backend.ip}:${backend.port}`;
  for (const { ports } of services) {
    for (const port of ports) {
      if (port.protocol !== "udp") continue;
      const backends = new Set([...port.cluster, ...port.local].map(name));
      for (const ip of [...port.clusterIps, ...port.externalIps, ...port.loadBalancerIps]) {
        byAddress.set(`${ip}:${port.port}`, backends);
      }
      if (port.nodePort !== undefined) byNodePort.set(port.nodePort, backends);
    }
  }
  const stale = new Map<string, Flow>();
  for (const flow of flows) {
    const backends = byAddress.get(`${flow.to}:${flow.port}`) ??
      (nodeAddresses.has(flow.to) ? byNodePort.get(flow.port) : undefined);
    if (backends === undefined || backends.has(`${flow.answeredBy}:${flow.answeredFrom}`)) continue;
    stale.set(`${flow.to} ${flow.port} ${flow.answeredBy} ${flow.answeredFrom}`, flow);
  }
  return [...stale.values()].slice(0, conntrackDeletesMax);
}

const list = ["conntrack", "-L", "-f", "ipv4", "-p", "udp"];

/** Deletes what planFlows() names. `services` is read after the flows were listed. */
export async function reconcileFlows(
  processes: Processes,
  services: () => Iterable<ServiceEntry>,
  nodeAddresses: () => Promise<ReadonlySet<string>>,
): Promise<void> {
  const listed = await processes.run(list);
  if (listed.code !== 0) throw new CommandError(list, listed);
  const flows = parseFlows(listed.stdout);
  if (flows.length === 0) return;
  for (const flow of planFlows(flows, services(), await nodeAddresses())) {
    const command = ["conntrack", "-D", "-f", "ipv4", "-p", "udp"];
    command.push("--orig-dst", flow.to, "--orig-port-dst", String(flow.port));
    command.push("--reply-src", flow.answeredBy, "--reply-port-src", String(flow.answeredFrom));
    const deleted = await processes.run(command);
    // Exit code 1 with "0 flow entries" is what another one's deletion or the end of the flow looks like.
    if (deleted.code !== 0 && !deleted.stderr.includes("0 flow entries")) throw new CommandError(command, deleted);
    logger.debug("deleted UDP flows to {to}:{port} that {answeredBy}:{answeredFrom} answered", { ...flow });
  }
}
