/** All containers of a pod, with where they stand. */
import type { Container, EphemeralContainer, PodSpec } from "../../../../lib/types/core_v1.ts";

export type AnyContainer = Container | EphemeralContainer;

/** Init containers, containers, ephemeral containers: Kubernetes' order (VisitContainersWithPath). */
export function visitContainers(spec: PodSpec, path: string): [AnyContainer, string][] {
  const at = (list: readonly AnyContainer[] | undefined, name: string) =>
    (list ?? []).map((container, i): [AnyContainer, string] => [container, `${path}.${name}[${i}]`]);
  return [
    ...at(spec.initContainers, "initContainers"),
    ...at(spec.containers, "containers"),
    ...at(spec.ephemeralContainers, "ephemeralContainers"),
  ];
}

/** An init container that stays: a sidecar. */
export const isSidecar = (container: AnyContainer): boolean => container.restartPolicy === "Always";
