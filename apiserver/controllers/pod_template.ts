/** A pod made from a template, and its creation and deletion with the Events that say so (pkg/controller/controller_utils.go). */
import type { Client } from "../../lib/client/client.ts";
import type { Recorder } from "../../lib/events.ts";
import type { Kind, KubeObject, New } from "../../lib/kind.ts";
import { isReason, StatusError } from "../../lib/status.ts";
import type { Pod, PodTemplateSpec } from "../../lib/types/core_v1.ts";
import { Pod as PodKind } from "../../lib/types/kinds.ts";
import { controllerReference } from "./owner.ts";

/** The pod that a template describes, controlled by `owner`, its name to be generated. */
export function podFromTemplate(template: PodTemplateSpec, kind: Kind, owner: KubeObject): New<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      namespace: owner.metadata.namespace!,
      generateName: `${owner.metadata.name}-`,
      labels,
      annotations,
      finalizers,
      ownerReferences: [controllerReference(kind, owner)],
    },
    spec: template.spec,
  };
}

/** The namespace is being deleted: nothing can be created there, and nothing needs to. */
export function isNamespaceTerminating(error: unknown): boolean {
  return error instanceof StatusError &&
    (error.status.details?.causes ?? []).some((cause) => cause.reason === "NamespaceTerminating");
}

export async function createPod(client: Client, recorder: Recorder, owner: KubeObject, pod: New<Pod>): Promise<void> {
  try {
    const created = await client.create(PodKind, pod);
    recorder.event(owner, "Normal", "SuccessfulCreate", `Created pod: ${created.metadata.name}`);
  } catch (error) {
    if (!isNamespaceTerminating(error)) {
      recorder.event(owner, "Warning", "FailedCreate", `Error creating: ${(error as Error).message}`);
    }
    throw error;
  }
}

/** A pod that has gone already is deleted. The uid keeps a namesake from being deleted in its place. */
export async function deletePod(client: Client, recorder: Recorder, owner: KubeObject, pod: Pod): Promise<void> {
  try {
    await client.delete(PodKind, pod.metadata, { preconditions: { uid: pod.metadata.uid } });
    recorder.event(owner, "Normal", "SuccessfulDelete", `Deleted pod: ${pod.metadata.name}`);
  } catch (error) {
    if (isReason(error, "NotFound", "Conflict")) return;
    recorder.event(owner, "Warning", "FailedDelete", `Error deleting: ${(error as Error).message}`);
    throw error;
  }
}
