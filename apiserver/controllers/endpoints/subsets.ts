/** The subsets of a legacy Endpoints object in their canonical form (pkg/api/v1/endpoints/util.go RepackSubsets). Pure. */
import { endpointsAddressesMax } from "../../../lib/limits.ts";
import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from "../../../lib/types/core_v1.ts";
import { isFinished, isReady } from "../pod_state.ts";
import { addressesOf, isIPv6, publishedHostname, targetPort } from "../service_pods.ts";

interface Entry {
  address: EndpointAddress;
  ready: boolean;
}

/** One port of one address. */
interface Pair extends Entry {
  /** `undefined`: a headless Service without ports. */
  port: EndpointPort | undefined;
}

export function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const publishAll = service.spec.publishNotReadyAddresses === true;
  const pairs: Pair[] = [];
  for (const pod of pods) {
    if (isFinished(pod) || (!publishAll && pod.metadata.deletionTimestamp !== undefined)) continue;
    const address = addressOf(pod, service);
    if (address === undefined) continue;
    const entry = { address, ready: publishAll || isReady(pod) };
    const ports = service.spec.ports ?? [];
    if (ports.length === 0 && service.spec.clusterIP === "None") pairs.push({ ...entry, port: undefined });
    for (const port of ports) {
      const number = targetPort(pod, port);
      if (number === undefined) continue;
      const { name, protocol = "TCP", appProtocol } = port;
      pairs.push({
        ...entry,
        port: { ...(name ? { name } : {}), port: number, protocol, ...(appProtocol ? { appProtocol } : {}) },
      });
    }
  }
  return repack(pairs);
}

function addressOf(pod: Pod, service: Service): EndpointAddress | undefined {
  const family = service.spec.ipFamilies?.[0] ?? (service.spec.clusterIP?.includes(":") ? "IPv6" : "IPv4");
  const ip = addressesOf(pod).find((address) => isIPv6(address) === (family === "IPv6"));
  if (ip === undefined) return undefined;
  const { namespace, name, uid } = pod.metadata;
  const hostname = publishedHostname(pod, service);
  return {
    ip,
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(hostname === undefined ? {} : { hostname }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

const addressKey = ({ ip, targetRef }: EndpointAddress) => `${ip} ${targetRef?.uid ?? ""}`;
const portKey = (port: EndpointPort | undefined) =>
  port === undefined ? "" : `${port.name ?? ""} ${port.protocol} ${port.port} ${port.appProtocol ?? ""}`;

/** Ports with the same addresses share a subset; everything is sorted, so that equal contents are equal texts. */
function repack(pairs: readonly Pair[]): EndpointSubset[] {
  const byPort = new Map<string, { port: EndpointPort | undefined; entries: Map<string, Entry> }>();
  for (const { port, address, ready } of pairs) {
    const group = byPort.get(portKey(port)) ?? { port, entries: new Map<string, Entry>() };
    byPort.set(portKey(port), group);
    group.entries.set(addressKey(address), { address, ready });
  }
  const byAddresses = new Map<string, { ports: EndpointPort[]; entries: Entry[] }>();
  for (const [, { port, entries }] of [...byPort].sort(([a], [b]) => a < b ? -1 : 1)) {
    const sorted = [...entries].sort(([a], [b]) => a < b ? -1 : 1);
    const key = sorted.map(([key, { ready }]) => `${key} ${ready}`).join("\n");
    const group = byAddresses.get(key) ?? { ports: [], entries: sorted.map(([, entry]) => entry) };
    byAddresses.set(key, group);
    if (port !== undefined) group.ports.push(port);
  }
  return [...byAddresses].sort(([a], [b]) => a < b ? -1 : 1).map(([, { ports, entries }]) => {
    const ready = entries.filter((entry) => entry.ready).map(({ address }) => address);
    const notReady = entries.filter((entry) => !entry.ready).map(({ address }) => address);
    return {
      ...(ready.length > 0 ? { addresses: ready } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    };
  });
}

/** At most 1,000 addresses, ready ones first. */
export function truncated(subsets: readonly EndpointSubset[]): { subsets: EndpointSubset[]; isTruncated: boolean } {
  const count = (of: "addresses" | "notReadyAddresses") =>
    subsets.reduce((sum, subset) => sum + (subset[of]?.length ?? 0), 0);
  const ready = count("addresses");
  if (ready + count("notReadyAddresses") <= endpointsAddressesMax) return { subsets: [...subsets], isTruncated: false };
  let roomReady = endpointsAddressesMax;
  let roomNotReady = Math.max(0, endpointsAddressesMax - ready);
  const cut = subsets.map((subset) => {
    const addresses = subset.addresses?.slice(0, roomReady) ?? [];
    roomReady -= addresses.length;
    const notReady = subset.notReadyAddresses?.slice(0, roomNotReady) ?? [];
    roomNotReady -= notReady.length;
    const { ports } = subset;
    return {
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(notReady.length > 0 ? { notReadyAddresses: notReady } : {}),
      ...(ports === undefined ? {} : { ports }),
    };
  });
  return {
    subsets: cut.filter((subset) => subset.addresses !== undefined || subset.notReadyAddresses !== undefined),
    isTruncated: true,
  };
}
