/** A pod as the scheduler computes with it: everything that its spec says, worked out once. */
import { keyOf } from "../../lib/kind.ts";
import type { Pod, Toleration } from "../../lib/types/core_v1.ts";
import { affinityTerms, type PodAffinityTerms } from "./affinity_term.ts";
import {
  namedNodes,
  type NodeMatcher,
  type Preference,
  preferredNodes,
  requiredNode,
} from "../../lib/selector/node_selector.ts";
import { podRequests, type Resources, scoredRequests } from "./resources.ts";

export interface HostPort {
  protocol: string;
  port: number;
  /** `0.0.0.0` for all addresses. */
  address: string;
}

export interface PodInfo {
  readonly pod: Pod;
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly priority: number;
  readonly terminating: boolean;
  readonly requests: Resources;
  /** With assumed amounts for containers that say nothing. */
  readonly scoredCpu: number;
  readonly scoredMemory: number;
  readonly ports: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  readonly requiredNode: NodeMatcher | undefined;
  readonly namedNodes: ReadonlySet<string> | undefined;
  readonly preferredNodes: readonly Preference[];
  readonly terms: PodAffinityTerms;
  /** Equal for pods of one namespace with the same terms of pod affinity; `undefined` without any. */
  readonly affinityId: string | undefined;
  readonly images: readonly string[];
  readonly claims: readonly string[];
}

export function podInfo(pod: Pod): PodInfo {
  const { spec, metadata } = pod;
  const scored = scoredRequests(pod);
  const terms = affinityTerms(pod);
  const all = [...terms.affinity, ...terms.antiAffinity, ...terms.preferred];
  const containers = [...spec.initContainers ?? [], ...spec.containers];
  return {
    pod,
    key: keyOf(pod),
    uid: metadata.uid,
    namespace: metadata.namespace,
    labels: metadata.labels ?? {},
    priority: spec.priority ?? 0,
    terminating: metadata.deletionTimestamp !== undefined,
    requests: podRequests(pod),
    scoredCpu: scored.cpu,
    scoredMemory: scored.memory,
    ports: hostPorts(pod),
    tolerations: spec.tolerations ?? [],
    requiredNode: requiredNode(pod),
    namedNodes: namedNodes(pod),
    preferredNodes: preferredNodes(pod),
    terms,
    affinityId: all.length === 0 ? undefined : JSON.stringify([
      terms.affinity.map(({ id }) => id),
      terms.antiAffinity.map(({ id }) => id),
      terms.preferred.map(({ id, weight }) => [id, weight]),
    ]),
    images: containers.map(({ image }) => normalImage(image ?? "")),
    claims: (spec.volumes ?? []).flatMap((volume) => claimOf(pod, volume)),
  };
}

function hostPorts({ spec }: Pod): HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return [...spec.containers, ...sidecars].flatMap(({ ports = [] }) =>
    ports.filter(({ hostPort }) => (hostPort ?? 0) > 0).map(({ protocol = "TCP", hostPort, hostIP }) => ({
      protocol,
      port: hostPort!,
      address: hostIP || "0.0.0.0",
    }))
  );
}

/** An ephemeral volume's claim has the pod's and the volume's name. */
function claimOf(pod: Pod, volume: NonNullable<Pod["spec"]["volumes"]>[number]): string[] {
  if (volume.persistentVolumeClaim !== undefined) return [volume.persistentVolumeClaim.claimName];
  return volume.ephemeral === undefined ? [] : [`${pod.metadata.name}-${volume.name}`];
}

/** `nginx` is `nginx:latest`, as Nodes list it. */
function normalImage(image: string): string {
  return image.lastIndexOf(":") <= image.lastIndexOf("/") ? `${image}:latest` : image;
}
