/** What the scheduler writes: bindings, what it says about pods that fit nowhere, and the removal of pods that make room for others. */
import type { Client } from "../../lib/client/client.ts";
import type { Recorder } from "../../lib/events.ts";
import { type Clock, rfc3339 } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Pod, PodCondition } from "../../lib/types/core_v1.ts";
import { Pod as PodKind } from "../../lib/types/kinds.ts";

export interface Writer {
  client: Client;
  recorder: Recorder;
  clock: Clock;
}

/** Assigns the pod to the Node. The uid keeps a namesake from being bound in its place. */
export async function bind({ client, recorder }: Writer, pod: Pod, node: string): Promise<void> {
  const { namespace, name, uid } = pod.metadata;
  const target = { apiVersion: "v1", kind: "Node", name: node };
  await client.post(PodKind, pod.metadata, "binding", {
    apiVersion: "v1",
    kind: "Binding",
    metadata: { namespace, name, uid },
    target,
  });
  recorder.event(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node}`);
}

/** What the pod's status should say; `undefined` when it does. */
export function failureStatus(
  pod: Pod,
  message: string,
  nominated: string | undefined,
  now: number,
): object | undefined {
  const before = pod.status.conditions?.find(({ type }) => type === "PodScheduled");
  const same = before?.status === "False" && before.reason === "Unschedulable" && before.message === message;
  if (same && (pod.status.nominatedNodeName ?? "") === (nominated ?? "")) return undefined;
  const since = before?.status === "False" ? before.lastTransitionTime : undefined;
  const condition: PodCondition = {
    type: "PodScheduled",
    status: "False",
    reason: "Unschedulable",
    message,
    lastTransitionTime: since ?? rfc3339(now),
  };
  return { conditions: [condition], nominatedNodeName: nominated ?? null };
}

export async function writeStatus({ client }: Writer, pod: Pod, status: object): Promise<void> {
  try {
    const patch = { metadata: { uid: pod.metadata.uid }, status };
    await client.patch(PodKind, pod.metadata, { type: "strategic", patch }, { subresource: "status" });
  } catch (error) {
    // Gone, or another pod by now.
    if (!isReason(error, "NotFound", "Conflict")) throw error;
  }
}

/** Removes a pod in favour of one of higher priority. */
export async function preempt(writer: Writer, victim: Pod, preemptor: Pod, node: string): Promise<void> {
  const { client, recorder, clock } = writer;
  if (victim.metadata.deletionTimestamp === undefined) {
    const condition: PodCondition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: "default-scheduler: preempting to accommodate a higher priority pod",
      lastTransitionTime: rfc3339(clock.now()),
    };
    await writeStatus(writer, victim, { conditions: [condition] });
    try {
      await client.delete(PodKind, victim.metadata, { preconditions: { uid: victim.metadata.uid } });
    } catch (error) {
      if (!isReason(error, "NotFound", "Conflict")) throw error;
    }
  }
  recorder.event(victim, "Normal", "Preempted", `Preempted by pod ${preemptor.metadata.uid} on node ${node}`);
}
