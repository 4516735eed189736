/** Makers of Services and EndpointSlices for tests. */
import type { Service, ServiceSpec } from "../../lib/types/core_v1.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "../../lib/types/discovery_v1.ts";
import { type NodeView, type ServiceEntry, serviceEntry, serviceNameLabel } from "../model.ts";

const meta = (namespace: string, name: string) => ({
  namespace,
  name,
  uid: `uid-${namespace}-${name}`,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

/** `name` is `name` (in namespace default) or `namespace/name`. */
export function service(
  name: string,
  spec: ServiceSpec,
  more: { labels?: Record<string, string>; ingress?: { ip?: string; ipMode?: string }[] } = {},
): Service {
  const [first, second] = name.split("/");
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { ...meta(second === undefined ? "default" : first!, second ?? first!), labels: more.labels },
    spec,
    status: more.ingress === undefined ? {} : { loadBalancer: { ingress: more.ingress } },
  };
}

export function slice(
  of: string,
  ports: EndpointPort[],
  endpoints: Endpoint[],
  more: { name?: string; addressType?: string } = {},
): EndpointSlice {
  const [first, second] = of.split("/");
  const namespace = second === undefined ? "default" : first!;
  const name = second ?? first!;
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    addressType: more.addressType ?? "IPv4",
    metadata: { ...meta(namespace, more.name ?? `${name}-1`), labels: { [serviceNameLabel]: name } },
    ports,
    endpoints,
  };
}

/** A ready endpoint. */
export function at(ip: string, nodeName?: string, more: Partial<Endpoint> = {}): Endpoint {
  return { addresses: [ip], nodeName, conditions: { ready: true, serving: true, terminating: false }, ...more };
}

export const draining = { conditions: { ready: false, serving: true, terminating: true } };
export const unready = { conditions: { ready: false, serving: false, terminating: false } };

/** An entry, for tests of what comes after the model. */
export function entryOf(node: NodeView, service: Service, ...slices: EndpointSlice[]): ServiceEntry {
  const entry = serviceEntry(service, slices, node);
  if (entry === undefined) throw new Error(`${service.metadata.name} has no entry`);
  return entry;
}
