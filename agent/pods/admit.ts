/**
 * What a node refuses to run at all (kubelet: lifecycle.NewPredicateAdmitHandler, sysctl allowlist). Pods that came through the
 * scheduler fit; those that name a node themselves, or were bound when the node was already full, may not. Pure.
 */
import { parseQuantity } from "../../lib/quantity.ts";
import type { Container, Pod } from "../../lib/types/core_v1.ts";
import { hostNetwork, initContainers, isSidecar } from "./pod_spec.ts";

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

export interface NodeRoom {
  readonly allocatable: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Pods that are here and not over. */
  readonly others: readonly Pod[];
}

/** Sysctls that are namespaced and harm nobody else (kubelet: SafeSysctlAllowlist). */
const safeSysctls = new Set([
  "kernel.shm_rmid_forced",
  "net.ipv4.ip_local_port_range",
  "net.ipv4.tcp_syncookies",
  "net.ipv4.ping_group_range",
  "net.ipv4.ip_unprivileged_port_start",
  "net.ipv4.ip_local_reserved_ports",
  "net.ipv4.tcp_keepalive_time",
  "net.ipv4.tcp_fin_timeout",
  "net.ipv4.tcp_keepalive_intvl",
  "net.ipv4.tcp_keepalive_probes",
  "net.ipv4.tcp_rmem",
  "net.ipv4.tcp_wmem",
]);

/** Undefined: the pod may run here. The message is what its status will say. */
export function rejectionOf(pod: Pod, room: NodeRoom): Rejection | undefined {
  return operatingSystem(pod) ?? sysctls(pod) ?? unsupported(pod) ?? selector(pod, room) ?? ports(pod, room) ??
    fit(pod, room);
}

const rejected = (reason: string, message: string): Rejection => ({ reason, message: `Pod was rejected: ${message}` });

function operatingSystem({ spec }: Pod): Rejection | undefined {
  const os = spec.os?.name;
  if (os === undefined || os === "linux") return undefined;
  return rejected("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS");
}

function sysctls({ spec }: Pod): Rejection | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const host = (name.startsWith("net.") && spec.hostNetwork === true) ||
      (name.startsWith("kernel.") && spec.hostIPC === true);
    if (host) {
      return rejected(
        "SysctlForbidden",
        `forbidden sysctl: ${JSON.stringify(name)} not allowed with host namespaces enabled`,
      );
    }
    if (!safeSysctls.has(name)) {
      return rejected("SysctlForbidden", `forbidden sysctl: ${JSON.stringify(name)} not allowlisted`);
    }
  }
  return undefined;
}

function unsupported({ spec }: Pod): Rejection | undefined {
  if (spec.hostUsers === false) {
    return rejected("UnsupportedFeature", "hostUsers: false (user namespaces) is not supported by this node");
  }
  if ((spec.runtimeClassName ?? "") !== "") {
    return rejected(
      "UnsupportedFeature",
      `runtimeClassName ${JSON.stringify(spec.runtimeClassName)} is not supported by this node`,
    );
  }
  if ((spec.resourceClaims?.length ?? 0) > 0) {
    return rejected("UnsupportedFeature", "resourceClaims are not supported by this node");
  }
  return undefined;
}

function selector({ spec }: Pod, { labels }: NodeRoom): Rejection | undefined {
  const fits = Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
  if (fits) return undefined;
  return rejected("NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector");
}

function hostPorts(pod: Pod): string[] {
  const containers = [...pod.spec.containers, ...initContainers(pod).filter(isSidecar)];
  return containers.flatMap(({ ports }) => ports ?? [])
    .map((port) => ({ ...port, hostPort: hostNetwork(pod) ? port.containerPort : port.hostPort }))
    .filter(({ hostPort }) => (hostPort ?? 0) > 0)
    .map(({ hostPort, protocol, hostIP }) => `${protocol ?? "TCP"} ${hostPort} ${hostIP ?? ""}`);
}

function ports(pod: Pod, { others }: NodeRoom): Rejection | undefined {
  const wanted = hostPorts(pod);
  if (wanted.length === 0) return undefined;
  const taken = others.flatMap(hostPorts);
  const anywhere = (ip: string) => ip === "" || ip === "0.0.0.0" || ip === "::";
  const clash = wanted.some((port) => {
    const [protocol, number, ip = ""] = port.split(" ");
    return taken.some((other) => {
      const [p, n, i = ""] = other.split(" ");
      return p === protocol && n === number && (i === ip || anywhere(i) || anywhere(ip));
    });
  });
  if (!clash) return undefined;
  return rejected(
    "NodePorts",
    "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
  );
}

/** What a pod asks for: the sum of what runs together, or the largest init container with the sidecars before it. */
export function podRequests(pod: Pod): Map<string, bigint> {
  const sum = new Map<string, bigint>();
  const add = (to: Map<string, bigint>, from: ReadonlyMap<string, bigint>) => {
    for (const [name, value] of from) to.set(name, (to.get(name) ?? 0n) + value);
  };
  const raise = (to: Map<string, bigint>, from: ReadonlyMap<string, bigint>) => {
    for (const [name, value] of from) if (value > (to.get(name) ?? 0n)) to.set(name, value);
  };
  for (const container of pod.spec.containers) add(sum, requestsOf(container.resources));
  const beside = new Map<string, bigint>();
  const peak = new Map<string, bigint>();
  for (const container of initContainers(pod)) {
    const own = requestsOf(container.resources);
    if (isSidecar(container)) {
      add(beside, own);
      add(sum, own);
      raise(peak, beside);
    } else {
      const together = new Map(beside);
      add(together, own);
      raise(peak, together);
    }
  }
  raise(sum, peak);
  for (const [name, value] of requestsOf(pod.spec.resources)) sum.set(name, value);
  add(sum, requestsOf({ requests: pod.spec.overhead }));
  return sum;
}

function requestsOf(resources: Container["resources"]): Map<string, bigint> {
  const all = { ...resources?.limits, ...resources?.requests };
  return new Map(Object.entries(all).map(([name, text]) => [name, parseQuantity(text).nano]));
}

function fit(pod: Pod, room: NodeRoom): Rejection | undefined {
  const shortage = shortageOf(pod, room);
  return shortage === undefined ? undefined : rejected(`OutOf${shortage.resource}`, shortage.message);
}

/** What the node has too little of for the pod beside the others. */
export function shortageOf(
  pod: Pod,
  { allocatable, others }: NodeRoom,
): { readonly resource: string; readonly message: string } | undefined {
  const refuse = (resource: string, requested: bigint, used: bigint, capacity: bigint) => {
    const unit = resource === "cpu" ? 1_000_000n : 1_000_000_000n;
    const message = `Node didn't have enough resource: ${resource}, requested: ${requested / unit}, used: ${
      used / unit
    }, capacity: ${capacity / unit}`;
    return { resource, message };
  };
  const one = 1_000_000_000n;
  const pods = parseQuantity(allocatable.pods ?? "0").nano;
  if (BigInt(others.length + 1) * one > pods) return refuse("pods", one, BigInt(others.length) * one, pods);
  const used = new Map<string, bigint>();
  for (const other of others) {
    for (const [name, value] of podRequests(other)) used.set(name, (used.get(name) ?? 0n) + value);
  }
  for (const [name, requested] of podRequests(pod)) {
    if (requested === 0n) continue;
    const capacity = parseQuantity(allocatable[name] ?? "0").nano;
    const taken = used.get(name) ?? 0n;
    if (requested + taken > capacity) return refuse(name, requested, taken, capacity);
  }
  return undefined;
}
