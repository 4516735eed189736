/**
 * The canonical form of subsets (pkg/api/v1/endpoints, RepackSubsets): addresses that offer the same ports in the same
 * state stand together, each once, sorted. An address that is not ready in one place is not ready for that port at all.
 * The order is that of the endpoints controller: what it writes stays as it is, and is not written again.
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from "../../../../lib/types/core_v1.ts";

/** Of subsets that are valid. */
export function repackSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const addresses = new Map<string, EndpointAddress>();
  /** Per port the addresses that offer it, and whether they are ready. */
  const ports = new Map<string, { port: EndpointPort | undefined; offered: Map<string, boolean> }>();
  for (const subset of subsets) {
    for (const port of subset.ports?.length ? subset.ports : [undefined]) {
      const { offered } = entry(ports, portKey(port), () => ({ port, offered: new Map<string, boolean>() }));
      const note = (address: EndpointAddress, ready: boolean) => {
        const key = addressKey(address);
        if (!addresses.has(key)) addresses.set(key, address);
        offered.set(key, ready && (offered.get(key) ?? true));
      };
      for (const address of subset.addresses ?? []) note(address, true);
      for (const address of subset.notReadyAddresses ?? []) note(address, false);
    }
  }
  const groups = new Map<string, { offered: [string, boolean][]; ports: EndpointPort[] }>();
  for (const [, { port, offered }] of byKey(ports)) {
    const sorted = byKey(offered);
    const key = sorted.map(([address, ready]) => `${address} ${ready}`).join("\n");
    const group = entry(groups, key, () => ({ offered: sorted, ports: [] as EndpointPort[] }));
    if (port !== undefined) group.ports.push(port);
  }
  return byKey(groups).map(([, { offered, ports }]) => {
    const pick = (wanted: boolean) =>
      offered.filter(([, ready]) => ready === wanted).map(([key]) => addresses.get(key)!);
    const [ready, notReady] = [pick(true), pick(false)];
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports }),
    };
  });
}

/** The address and the object behind it; what else is said of it is that of its first mention. */
function addressKey({ ip, targetRef }: EndpointAddress): string {
  return `${ip} ${targetRef?.uid ?? ""}`;
}

/** Empty: no port at all, as of a headless Service. */
function portKey(port: EndpointPort | undefined): string {
  if (port === undefined) return "";
  return `${port.name ?? ""} ${port.protocol} ${port.port} ${port.appProtocol ?? ""}`;
}

function byKey<V>(map: ReadonlyMap<string, V>): [string, V][] {
  return [...map].sort(([a], [b]) => a < b ? -1 : 1);
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
