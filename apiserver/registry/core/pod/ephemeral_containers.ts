/** `pods/ephemeralcontainers`: adds containers for debugging to a running pod (ValidatePodEphemeralContainersUpdate). */
import { clone, deepEqual } from "../../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Pod } from "../../../../lib/types/core_v1.ts";
import type { ActionSubresource } from "../../../rest/resource.ts";
import { diffText } from "../../meta/diff.ts";
import { isMirrorPod } from "./annotations.ts";
import { defaultPod, validatePod } from "./spec.ts";

export const podEphemeralContainers: ActionSubresource<Pod> = {
  do: "write",
  verbs: ["get", "patch", "update"],
  kind: { group: "", version: "v1", kind: "Pod" },
  definition: "io.k8s.api.core.v1.Pod",
  writes: "spec.ephemeralContainers",
  apply: (pod, body) => setEphemeralContainers(pod, body as Pod),
};

/** Changes the pod; of the body only its ephemeral containers count. */
function setEphemeralContainers(pod: Pod, body: Pod): FieldError[] {
  const path = "spec.ephemeralContainers";
  if (isMirrorPod(pod)) return [fieldError.forbidden("", "static pods do not support ephemeral containers")];
  const before = clone(pod.spec.ephemeralContainers ?? []);
  const wanted = body.spec?.ephemeralContainers ?? [];
  if (wanted.length === 0) delete pod.spec.ephemeralContainers;
  else pod.spec.ephemeralContainers = clone(wanted);
  defaultPod(pod);
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  const errors = validatePod(pod);
  for (const old of before) {
    const what = `existing ephemeral containers ${JSON.stringify(old.name)} may not be`;
    const kept = now.get(old.name);
    if (kept === undefined) errors.push(fieldError.forbidden(path, `${what} removed\n`));
    else if (!deepEqual(kept, old)) {
      errors.push(fieldError.forbidden(path, `${what} changed\n${diffText(old, kept, old.name)}`));
    }
  }
  const { metadata } = pod;
  if (!deepEqual(before, pod.spec.ephemeralContainers ?? [])) metadata.generation = (metadata.generation ?? 0) + 1;
  return errors;
}
