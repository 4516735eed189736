/** Questions that many files ask of a pod's spec. Pure. */
import type { Container, EphemeralContainer, Pod } from "../../lib/types/core_v1.ts";

export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** An init container that runs as long as the pod does. */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === "Always";
}

export const initContainers = (pod: Pod): readonly Container[] => pod.spec.initContainers ?? [];
export const sidecars = (pod: Pod): readonly Container[] => initContainers(pod).filter(isSidecar);
export const ephemeralContainers = (pod: Pod): readonly EphemeralContainer[] => pod.spec.ephemeralContainers ?? [];

/** A debugging container has all of a container's fields but the probes and ports, which validation refuses. */
export const asContainer = (container: EphemeralContainer): Container => container as Container;

export type Role = "init" | "regular" | "ephemeral";

export interface Member {
  readonly role: Role;
  readonly container: Container;
}

/** All containers of a pod in the order of their statuses. */
export function members(pod: Pod): readonly Member[] {
  return [
    ...initContainers(pod).map((container) => ({ role: "init" as const, container })),
    ...pod.spec.containers.map((container) => ({ role: "regular" as const, container })),
    ...ephemeralContainers(pod).map((c) => ({ role: "ephemeral" as const, container: asContainer(c) })),
  ];
}

export function memberOf(pod: Pod, name: string): Member | undefined {
  return members(pod).find((m) => m.container.name === name);
}

const fieldOf: Record<Role, string> = {
  init: "spec.initContainers",
  regular: "spec.containers",
  ephemeral: "spec.ephemeralContainers",
};

/** `spec.containers{web}`: what an Event about a container points at. */
export function fieldPath({ role, container }: Member): string {
  return `${fieldOf[role]}{${container.name}}`;
}

export const hostNetwork = (pod: Pod): boolean => pod.spec.hostNetwork === true;
export const podRestartPolicy = (pod: Pod): RestartPolicy => pod.spec.restartPolicy ?? "Always";

/**
 * May a container that ended with `exitCode` be started again? A container's own policy and its rules
 * (ContainerRestartRules) come before the pod's; sidecars are always restarted, init containers until they succeed.
 */
export function mayRestart(pod: Pod, { role, container }: Member, exitCode: number): boolean {
  if (role === "ephemeral") return false;
  const rule = container.restartPolicyRules?.find(({ exitCodes }) => {
    const listed = exitCodes?.values?.includes(exitCode) ?? false;
    return exitCodes?.operator === "NotIn" ? !listed : listed;
  });
  if (rule?.action === "Restart") return true;
  const own = container.restartPolicy as RestartPolicy | undefined;
  const policy = own ?? podRestartPolicy(pod);
  if (role === "init" && own === undefined) return exitCode !== 0 && policy !== "Never";
  if (policy === "Always") return true;
  return policy === "OnFailure" && exitCode !== 0;
}

/** Hash of what makes a running container outdated when it changes: its image (as in Kubernetes 1.36). FNV-1a, hex. */
export function containerHash(container: Container): string {
  let hash = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(`${container.name}\n${container.image ?? ""}`)) {
    hash = Math.imul(hash ^ unit, 0x01000193) >>> 0;
  }
  return hash.toString(16);
}

/** How long the pod has to end by itself, seconds. A delete request may have said otherwise. */
export function graceSeconds(pod: Pod): number {
  if (pod.metadata.deletionTimestamp !== undefined && pod.metadata.deletionGracePeriodSeconds !== undefined) {
    return pod.metadata.deletionGracePeriodSeconds;
  }
  return pod.spec.terminationGracePeriodSeconds ?? 30;
}
