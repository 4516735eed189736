/**
 * Tells the agent when a pod that is being deleted gets no new connections any longer: every slice that has it says that it is
 * terminating, and every proxy that is alive has said that its kernel follows those slices. Ours alone; see
 * docs/decisions/drain_before_stop.md.
 */
import { type Controller, source, type WakeAt } from "../../lib/controller/controller.ts";
import { drainedCondition, programmedOf } from "../../lib/draining.ts";
import { keyOf } from "../../lib/kind.ts";
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Lease } from "../../lib/types/coordination_v1.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { Endpoint, EndpointSlice } from "../../lib/types/discovery_v1.ts";
import { Pod as PodKind, ReplicaSet, ReplicationController } from "../../lib/types/kinds.ts";
import { aspectOf } from "./changes.ts";
import type { Informers } from "./informers.ts";
import { controllerKey } from "./owner.ts";
import type { Parts } from "./parts.ts";
import { isFinished, podCondition } from "./pod_state.ts";
import { servicesOf } from "./service_pods.ts";

export interface PodDrainingView {
  pod: Pod;
  /** Of each Service that selects the pod. */
  services: readonly (readonly EndpointSlice[])[];
  /** Another pod takes its place: what made it wants as many as before. */
  replaced: boolean;
  proxies: readonly { revision: number; expiresAt: Instant }[];
}

export interface PodDrainingAction {
  do: "setDrained";
  pod: Pod;
  why: string;
}

const awaitsDraining = (pod: Pod) =>
  pod.metadata.deletionTimestamp !== undefined && !!pod.spec.nodeName && !isFinished(pod);

const isDrained = (pod: Pod) => podCondition(pod, drainedCondition)?.status === "True";

export function planPodDraining(
  { pod, services, replaced, proxies }: PodDrainingView,
  now: Instant,
): readonly (PodDrainingAction | WakeAt)[] {
  if (!awaitsDraining(pod) || isDrained(pod)) return [];
  const isOwn = ({ targetRef }: Endpoint) => targetRef?.uid === pod.metadata.uid;
  const used = services.map((slices) => slices.flatMap(({ endpoints }) => endpoints ?? []));
  if (used.flat().some((endpoint) => isOwn(endpoint) && endpoint.conditions?.terminating !== true)) return [];
  // Where nobody is ready, proxies fall back to those that terminate and still serve: its successor is waited for.
  const isLast = (endpoints: readonly Endpoint[]) =>
    endpoints.some((endpoint) => isOwn(endpoint) && endpoint.conditions?.serving !== false) &&
    !endpoints.some(({ conditions }) => conditions?.ready === true);
  if (replaced && used.some(isLast)) return [];
  const slices = services.flat();
  const revision = Math.max(0, ...slices.map(({ metadata }) => Number(metadata.resourceVersion)));
  const late = proxies.filter((proxy) => proxy.expiresAt > now && proxy.revision < revision);
  if (late.length === 0) return [{ do: "setDrained", pod, why: "no proxy sends new connections to it" }];
  const at = Math.min(...late.map(({ expiresAt }) => expiresAt));
  return [{ do: "wakeAt", at, why: "a proxy that says nothing is taken for dead" }];
}

export function podDrainingController({ informers, clock }: Parts): Controller<PodDrainingView, PodDrainingAction> {
  const { pods, endpointSlices, leases } = informers;
  /** Keys of the pods that wait. */
  const waiting = new Set<string>();
  pods.onChange(({ key, now }) => {
    if (now !== undefined && awaitsDraining(now) && !isDrained(now)) waiting.add(key);
    else waiting.delete(key);
  });
  const waitingIn = ({ metadata, endpoints }: EndpointSlice) =>
    (endpoints ?? []).map(({ targetRef }) => `${metadata.namespace}/${targetRef?.name}`)
      .filter((key) => waiting.has(key));
  const isProxy = (lease: Lease) => programmedOf(lease)?.revision;
  return {
    name: "pod-draining-controller",
    sources: [
      source(aspectOf(pods, (pod) => [awaitsDraining(pod), isDrained(pod)]), (pod) => [keyOf(pod)]),
      source(endpointSlices, waitingIn),
      source(aspectOf(leases, isProxy), () => [...waiting]),
    ],
    workers: 16,
    view(key) {
      const pod = pods.get(key);
      if (pod === undefined) return undefined;
      return {
        pod,
        services: servicesOf(pod, informers).map((service) => endpointSlices.by("service", service)),
        replaced: isReplaced(pod, informers),
        proxies: [...leases.list()].flatMap((lease) => programmedOf(lease) ?? []),
      };
    },
    plan: planPodDraining,
    async execute({ pod }, client) {
      const condition = { type: drainedCondition, status: "True", lastTransitionTime: rfc3339(clock.now()) };
      const patch = { metadata: { uid: pod.metadata.uid }, status: { conditions: [condition] } };
      try {
        await client.patch(PodKind, pod.metadata, { type: "strategic", patch }, { subresource: "status" });
      } catch (error) {
        if (!isReason(error, "NotFound", "Conflict")) throw error;
      }
    },
  };
}

/** Sets of stateful or one-per-node pods make the next one only when this one is gone. */
function isReplaced(pod: Pod, { replicaSets, replicationControllers }: Informers): boolean {
  const set = replicaSets.get(controllerKey(pod, ReplicaSet) ?? "") ??
    replicationControllers.get(controllerKey(pod, ReplicationController) ?? "");
  return set !== undefined && set.metadata.deletionTimestamp === undefined && (set.spec.replicas ?? 1) > 0;
}
