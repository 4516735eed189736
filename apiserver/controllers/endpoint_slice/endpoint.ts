/** One pod as an endpoint of a Service, and the ports it is reached at (k8s.io/endpointslice utils.go). Pure. */
import type { Node, Pod, Service } from "../../../lib/types/core_v1.ts";
import type { Endpoint, EndpointPort } from "../../../lib/types/discovery_v1.ts";
import { isReady } from "../pod_state.ts";
import { addressesOf, isIPv6, publishedHostname, targetPort } from "../service_pods.ts";

export type AddressType = "IPv4" | "IPv6";

/** `undefined` when the pod has no address of the family. */
export function endpointOf(
  pod: Pod,
  node: Node | undefined,
  service: Service,
  family: AddressType,
): Endpoint | undefined {
  const addresses = addressesOf(pod).filter((address) => isIPv6(address) === (family === "IPv6"));
  if (addresses.length === 0) return undefined;
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const { namespace, name, uid } = pod.metadata;
  const zone = node?.metadata.labels?.["topology.kubernetes.io/zone"];
  return {
    addresses,
    conditions: { ready, serving, terminating },
    targetRef: { kind: "Pod", namespace, name, uid },
    nodeName: pod.spec.nodeName,
    ...(zone ? { zone } : {}),
    ...hostnameOf(pod, service),
    ...hintsOf(service, pod.spec.nodeName, zone),
  };
}

function hostnameOf(pod: Pod, service: Service): Pick<Endpoint, "hostname"> {
  const hostname = publishedHostname(pod, service);
  return hostname === undefined ? {} : { hostname };
}

/** spec.trafficDistribution: whom the endpoint is meant for. */
function hintsOf(service: Service, node: string | undefined, zone: string | undefined): Pick<Endpoint, "hints"> {
  const forZones = zone ? { forZones: [{ name: zone }] } : {};
  switch (service.spec.trafficDistribution) {
    case "PreferClose":
    case "PreferSameZone":
      return zone ? { hints: forZones } : {};
    case "PreferSameNode":
      return node ? { hints: { forNodes: [{ name: node }], ...forZones } } : {};
    default:
      return {};
  }
}

/** The Service's ports as this pod has them; those that it lacks are left out. A headless Service may have none. */
export function portsOf(service: Service, pod: Pod): EndpointPort[] {
  const ports: EndpointPort[] = [];
  for (const port of service.spec.ports ?? []) {
    const number = targetPort(pod, port);
    if (number === undefined) continue;
    const { appProtocol } = port;
    ports.push({
      name: port.name ?? "",
      port: number,
      protocol: port.protocol ?? "TCP",
      ...(appProtocol ? { appProtocol } : {}),
    });
  }
  return ports;
}

/** Equal for endpoints that are the same one, in whatever condition. */
export function endpointKey({ addresses, hostname, targetRef }: Endpoint): string {
  return [hostname ?? "", targetRef?.namespace ?? "", targetRef?.name ?? "", ...[...addresses].sort()].join("\n");
}

/** Equal for lists of ports that are the same in any order. */
export function portsKey(ports: readonly EndpointPort[] | undefined): string {
  return (ports ?? []).map((p) => `${p.name ?? ""} ${p.port ?? ""} ${p.protocol ?? "TCP"} ${p.appProtocol ?? ""}`)
    .sort().join("\n");
}
