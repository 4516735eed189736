/**
 * The canonical form of subsets (pkg/api/v1/endpoints, RepackSubsets): addresses that offer the same ports in the same
 * state stand together, each once, sorted. An address that is not ready in one place is not ready for that port at all.
 */
import type { EndpointAddress, EndpointPort, EndpointSubset } from "../../../../lib/types/core_v1.ts";

/** Of subsets that are valid. */
export function repackSubsets(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const addresses = new Map<string, EndpointAddress>();
  /** Per port (as text; "" for none) the addresses that offer it, and whether they are ready. */
  const ports = new Map<string, Map<string, boolean>>();
  for (const subset of subsets) {
    for (const port of subset.ports ?? [undefined]) {
      const offered = entry(ports, port === undefined ? "" : textOf(port), () => new Map<string, boolean>());
      const note = (address: EndpointAddress, ready: boolean) => {
        const key = keyOf(address);
        if (!addresses.has(key)) addresses.set(key, address);
        offered.set(key, ready && (offered.get(key) ?? true));
      };
      for (const address of subset.addresses ?? []) note(address, true);
      for (const address of subset.notReadyAddresses ?? []) note(address, false);
    }
  }
  const groups = new Map<string, { offered: Map<string, boolean>; ports: EndpointPort[] }>();
  for (const [text, offered] of ports) {
    const key = JSON.stringify([...offered].sort(([a], [b]) => a < b ? -1 : 1));
    const group = entry(groups, key, () => ({ offered, ports: [] as EndpointPort[] }));
    if (text !== "") group.ports.push(JSON.parse(text));
  }
  return [...groups.values()].map((group) => subsetOf(group, addresses)).sort(byText);
}

function subsetOf(
  { offered, ports }: { offered: ReadonlyMap<string, boolean>; ports: EndpointPort[] },
  addresses: ReadonlyMap<string, EndpointAddress>,
): EndpointSubset {
  const pick = (wanted: boolean) =>
    [...offered].filter(([, ready]) => ready === wanted).map(([key]) => key).sort().map((key) => addresses.get(key)!);
  const [ready, notReady] = [pick(true), pick(false)];
  return {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports: ports.sort(byText) }),
  };
}

/** As Kubernetes: the address and the object behind it; what else is said of it is that of its first mention. */
function keyOf({ ip, targetRef }: EndpointAddress): string {
  return `${ip} ${targetRef?.uid ?? ""}`;
}

function textOf(port: EndpointPort): string {
  return JSON.stringify(Object.fromEntries(Object.entries(port).sort(([a], [b]) => a < b ? -1 : 1)));
}

function byText(a: unknown, b: unknown): number {
  const [x, y] = [JSON.stringify(a), JSON.stringify(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, value = make());
  return value;
}
