/**
 * What a write of a Service means before it is judged: values that we picked are kept when they are left out, the
 * singular and the plural of the cluster IP agree, and what a new type has no use for goes (pkg/registry/core/service).
 */
import { deepEqual } from "../../../../lib/patch/equal.ts";
import type { Service, ServiceSpec } from "../../../../lib/types/core_v1.ts";
import { emptyStatus } from "./defaults.ts";
import { isExternallyAccessible, isHeadless, needsClusterIP, needsHealthCheck, needsNodePorts } from "./traits.ts";

/** The cluster's only family; a second one would be a second --service-cidr. */
export const clusterFamily = "IPv4";

export const familyOf = (ip: string): "IPv4" | "IPv6" => ip.includes(":") ? "IPv6" : "IPv4";

export function prepareNewService(service: Service): void {
  service.status = emptyStatus();
  const { spec } = service;
  if (spec.clusterIP !== undefined && spec.clusterIPs === undefined) spec.clusterIPs = [spec.clusterIP];
  startFamilies(service, undefined);
}

export function prepareService(service: Service, old: Service): void {
  keepPicked(service, old);
  agreeOnClusterIPs(service.spec, old.spec);
  dropUseless(service, old);
  startFamilies(service, old);
  // Nobody balances it any more.
  if (old.spec.type === "LoadBalancer" && service.spec.type !== "LoadBalancer") {
    service.status = { ...service.status, ...emptyStatus() };
  }
}

/** So that the manifest a Service was made from can be sent again. */
function keepPicked(service: Service, old: Service): void {
  const { spec } = service;
  if (needsClusterIP(old) && needsClusterIP(service)) {
    keep(spec, old.spec, "clusterIP");
    keep(spec, old.spec, "clusterIPs");
  }
  if (needsNodePorts(old) && needsNodePorts(service)) keepNodePorts(spec, old.spec);
  if (needsHealthCheck(old) && needsHealthCheck(service)) keep(spec, old.spec, "healthCheckNodePort");
}

function keep<K extends keyof ServiceSpec>(spec: ServiceSpec, old: ServiceSpec, name: K): void {
  if (spec[name] === undefined && old[name] !== undefined) spec[name] = structuredClone(old[name]);
}

/** A port of the same name has the same number, unless that is used by another port now. */
function keepNodePorts({ ports = [] }: ServiceSpec, { ports: oldPorts = [] }: ServiceSpec): void {
  const used = new Set(ports.map(({ nodePort }) => nodePort));
  const known = new Map(oldPorts.map(({ name = "", nodePort }) => [name, nodePort]));
  for (const port of ports) {
    const nodePort = known.get(port.name ?? "");
    if (port.nodePort === undefined && nodePort !== undefined && !used.has(nodePort)) port.nodePort = nodePort;
  }
}

/** Old clients know only the singular. */
function agreeOnClusterIPs(spec: ServiceSpec, old: ServiceSpec): void {
  if (spec.clusterIP === old.clusterIP) {
    keep(spec, old, "clusterIPs");
    return;
  }
  if (!deepEqual(spec.clusterIPs ?? [], old.clusterIPs ?? [])) return;
  if (spec.clusterIP === undefined) delete spec.clusterIPs;
  else spec.clusterIPs = [spec.clusterIP];
}

/** Values that the new type does not allow go when the client has left them as they were. */
function dropUseless(service: Service, old: Service): void {
  const { spec } = service;
  const drop = (...names: (keyof ServiceSpec)[]) => {
    for (const name of names) if (deepEqual(spec[name] ?? null, old.spec[name] ?? null)) delete spec[name];
  };
  if (needsClusterIP(old) && !needsClusterIP(service)) {
    if (deepEqual(spec.clusterIPs ?? [], old.spec.clusterIPs ?? [])) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    drop("ipFamilies", "ipFamilyPolicy");
  }
  if (needsNodePorts(old) && !needsNodePorts(service) && !hasNewNodePort(spec, old.spec)) {
    for (const port of spec.ports ?? []) delete port.nodePort;
  }
  if (needsHealthCheck(old) && !needsHealthCheck(service)) drop("healthCheckNodePort");
  if (old.spec.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    drop("allocateLoadBalancerNodePorts", "loadBalancerClass");
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(service)) drop("externalTrafficPolicy");
}

function hasNewNodePort({ ports = [] }: ServiceSpec, { ports: oldPorts = [] }: ServiceSpec): boolean {
  const known = new Set(oldPorts.map(({ nodePort }) => nodePort));
  return ports.some(({ nodePort }) => nodePort !== undefined && !known.has(nodePort));
}

/**
 * The policy, and the families that follow from it and from the addresses (initIPFamilyFields). Only a headless Service
 * without a selector, whose endpoints are somebody else's, has both families in a cluster of one.
 */
function startFamilies(service: Service, old: Service | undefined): void {
  if (!needsClusterIP(service)) return;
  const { spec } = service;
  const free = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (free ? "RequireDualStack" : "SingleStack");
  if (old !== undefined && spec.ipFamilyPolicy === "SingleStack") {
    if (deepEqual(spec.clusterIPs, old.spec.clusterIPs)) spec.clusterIPs = spec.clusterIPs?.slice(0, 1);
    if (deepEqual(spec.ipFamilies, old.spec.ipFamilies)) spec.ipFamilies = spec.ipFamilies?.slice(0, 1);
  }
  const [ip] = spec.clusterIPs ?? [];
  // An address of another family is refused later, with a better error than one about a family nobody asked for.
  const isForeign = ip !== undefined && ip !== "None" && familyOf(ip) !== clusterFamily;
  if (spec.ipFamilies === undefined && isForeign) return;
  spec.ipFamilies ??= [clusterFamily];
  if (free && spec.ipFamilies.length === 1 && spec.ipFamilyPolicy !== "SingleStack") {
    spec.ipFamilies.push(spec.ipFamilies[0] === "IPv4" ? "IPv6" : "IPv4");
  }
}
