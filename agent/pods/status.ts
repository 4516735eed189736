/** A pod's status from what is observed (kubelet: generateAPIPodStatus). Pure. */
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import type { ContainerStatus, PodStatus } from "../../lib/types/core_v1.ts";
import { podConditions, resizeConditions } from "./conditions.ts";
import { containerStatus, type StatusInput } from "./container_status.ts";
import { hasFinished, initFailed } from "./finished.ts";
import { isInitialized } from "./plan_containers.ts";
import { hostNetwork, members } from "./pod_spec.ts";
import { qosClass } from "./qos.ts";
import { allContainers, currentSandbox, endedOf, newest, type PodView } from "./view.ts";

export interface NodeNames {
  readonly runtime: string;
  readonly hostIPs: readonly string[];
  readonly imageName: (imageId: string) => string | undefined;
}

export function podStatus(view: PodView, now: Instant, node: NodeNames): PodStatus {
  const { pod, memory } = view;
  const old = pod.status ?? {};
  const previous = new Map(
    [...old.initContainerStatuses ?? [], ...old.containerStatuses ?? [], ...old.ephemeralContainerStatuses ?? []]
      .map((s) => [s.name, s]),
  );
  const ending = isEnding(view);
  const statuses: Record<"init" | "regular" | "ephemeral", ContainerStatus[]> = {
    init: [],
    regular: [],
    ephemeral: [],
  };
  for (const member of members(pod)) {
    const input: StatusInput = { view, now, ending, previous: previous.get(member.container.name), ...node };
    statuses[member.role].push(containerStatus(member, input));
  }
  const phase = podPhase(view, statuses.regular);
  const sandbox = currentSandbox(view);
  // A restarted agent learns the address of a running sandbox in a moment: until then what was told stands.
  const told = old.conditions?.find(({ type }) => type === "PodReadyToStartContainers")?.status === "True";
  const attached = memory.address === undefined ? told : memory.address.sandboxId === sandbox?.id;
  const sandboxReady = sandbox?.state === "running" && attached;
  const own = podConditions({
    pod,
    phase,
    init: statuses.init,
    containers: statuses.regular,
    sandboxReady,
    now,
  });
  const ips = podIPs(view, node);
  const failed = memory.failed ?? (old.phase === "Failed" ? { reason: old.reason, message: old.message } : undefined);
  return {
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    conditions: [...own, ...(ending ? [] : resizeConditions(view, now))],
    ...(failed?.reason === undefined ? {} : { reason: failed.reason }),
    ...(failed?.message === undefined ? {} : { message: failed.message }),
    hostIP: node.hostIPs[0],
    hostIPs: node.hostIPs.map((ip) => ({ ip })),
    ...(ips.length === 0 ? {} : { podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) }),
    startTime: old.startTime ?? rfc3339(now),
    qosClass: qosClass(pod),
    containerStatuses: statuses.regular,
    ...(statuses.init.length === 0 ? {} : { initContainerStatuses: statuses.init }),
    ...(statuses.ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: statuses.ephemeral }),
  };
}

/** Nothing of the pod is started any more. */
export function isEnding(view: PodView): boolean {
  const phase = view.pod.status?.phase;
  return !view.wanted || view.pod.metadata.deletionTimestamp !== undefined || view.memory.failed !== undefined ||
    phase === "Succeeded" || phase === "Failed" || hasFinished(view);
}

export function podIPs(view: PodView, node: Pick<NodeNames, "hostIPs">): readonly string[] {
  const sandbox = currentSandbox(view);
  const address = view.memory.address;
  if (hostNetwork(view.pod)) return sandbox === undefined ? [] : node.hostIPs;
  if (address !== undefined && address.sandboxId === sandbox?.id) return [address.ip];
  // Until a sandbox has its own, the last known address stands: it is right after a restart of the agent, and for a pod that ended.
  return (view.pod.status?.podIPs ?? []).map(({ ip }) => ip ?? "").filter((ip) => ip !== "");
}

/** A terminal phase is never left again, and never entered while anything runs. */
function podPhase(view: PodView, containers: readonly ContainerStatus[]): NonNullable<PodStatus["phase"]> {
  const old = view.pod.status?.phase;
  if (old === "Succeeded" || old === "Failed") return old;
  const running = [...allContainers(view)].some((c) => c.state === "running");
  const ending = isEnding(view);
  if (!ending || running) return running || anyStarted(view) ? livePhase(view) : "Pending";
  if (view.memory.failed !== undefined || initFailed(view)) return "Failed";
  const exits = containers.map((status) => status.state?.terminated?.exitCode);
  if (exits.some((code) => code === undefined)) {
    // A deleted pod that never came to run ends as it was.
    return anyStarted(view) ? "Failed" : old ?? "Pending";
  }
  return exits.every((code) => code === 0) ? "Succeeded" : "Failed";
}

function livePhase(view: PodView): "Pending" | "Running" {
  return isInitialized(view) && anyStarted(view) ? "Running" : "Pending";
}

/** Has any regular container ever been started? */
function anyStarted(view: PodView): boolean {
  return view.pod.spec.containers.some(({ name }) => {
    const last = newest(view, name);
    return last !== undefined && (last.state === "running" || endedOf(view, last) !== undefined || last.attempt > 0);
  });
}
