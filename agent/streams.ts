/** Which container a log, an exec, an attach or a port-forward is about (kubelet: validateContainerLogStatus and its callers). */
import type { Processes } from "../lib/seams/process.ts";
import { statusError } from "../lib/status.ts";
import type { Pod } from "../lib/types/core_v1.ts";
import type { Assigned } from "./pods/assigned.ts";
import { isSandboxAlive, type Observed, type PodContainers } from "./pods/observed.ts";
import type { NodeParts } from "./pods/pod_context.ts";
import { hostNetwork, memberOf } from "./pods/pod_spec.ts";
import { createStreams, type StreamQuestion, type Streams, type StreamTarget } from "./stream/streams.ts";

export interface StreamParts {
  readonly parts: NodeParts;
  readonly assigned: Assigned;
  readonly pod: (uid: string) => Pod | undefined;
  readonly processes: Processes;
  readonly runDirectory: string;
}

export function createAgentStreams({ parts, assigned, pod, processes, runDirectory }: StreamParts): Streams {
  const { engine, clock, observer, node } = parts;
  return createStreams({
    engine,
    clock,
    processes,
    runDirectory,
    resolve(question) {
      const found = assigned.byName(question.namespace, question.pod);
      if (found === undefined) {
        throw statusError("NotFound", `pod ${JSON.stringify(question.pod)} does not exist on this node`);
      }
      const { uid } = found.metadata;
      const target = targetOf(question, pod(uid) ?? found, observer.ofPod(uid), node.hostIPs[0] ?? "127.0.0.1");
      return Promise.resolve(target);
    },
  });
}

/** Pure. Throws StatusError in kubelet's words. */
export function targetOf(question: StreamQuestion, pod: Pod, there: PodContainers, hostIP: string): StreamTarget {
  const sandbox = there.sandboxes[0];
  const address = {
    pid: sandbox?.pid ?? 0,
    ip: hostNetwork(pod) ? hostIP : pod.status?.podIP ?? "",
    hostNetwork: hostNetwork(pod),
  };
  const target = { uid: pod.metadata.uid, address };
  if (question.purpose === "portForward") {
    if (sandbox === undefined || !isSandboxAlive(sandbox)) {
      throw statusError(
        "BadRequest",
        `unable to forward port because pod ${JSON.stringify(question.pod)} has no running sandbox`,
      );
    }
    return { ...target, containerId: sandbox.id };
  }
  const name = question.container ?? pod.spec.containers[0]!.name;
  const member = memberOf(pod, name);
  if (member === undefined) {
    throw statusError("BadRequest", `container ${name} is not valid for pod ${pod.metadata.name}`);
  }
  const attempts = there.containers.get(name) ?? [];
  const container = question.purpose === "logs"
    ? logged(question, pod, name, attempts)
    : attempts.find(({ state }) => state === "running");
  if (container === undefined) throw statusError("NotFound", `container not found (${JSON.stringify(name)})`);
  return { ...target, containerId: container.id, stdinOnce: member.container.stdinOnce === true };
}

function logged({ previous }: StreamQuestion, pod: Pod, name: string, attempts: readonly Observed[]): Observed {
  const began = attempts.filter(({ state }) => state !== "created");
  const where = `${JSON.stringify(name)} in pod ${JSON.stringify(pod.metadata.name)}`;
  if (previous === true) {
    // The newest that has ended: while a container waits for its restart that is the newest of all.
    const ended = began[0]?.state === "exited" ? began[0] : began[1];
    if (ended === undefined) throw statusError("BadRequest", `previous terminated container ${where} not found`);
    return ended;
  }
  if (began[0] !== undefined) return began[0];
  const all = [
    ...pod.status?.containerStatuses ?? [],
    ...pod.status?.initContainerStatuses ?? [],
    ...pod.status?.ephemeralContainerStatuses ?? [],
  ];
  const reason = all.find((status) => status.name === name)?.state?.waiting?.reason ?? "ContainerCreating";
  const why = reason === "ErrImagePull" || reason === "ImagePullBackOff" ? "trying and failing to pull image" : reason;
  throw statusError("BadRequest", `container ${where} is waiting to start: ${why}`);
}
