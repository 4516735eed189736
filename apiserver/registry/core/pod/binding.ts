/** `pods/binding`: a scheduler says where a pod goes (assignPod of pkg/registry/core/pod/storage). */
import { rfc3339 } from "../../../../lib/seams/clock.ts";
import { type FieldError, fieldError, statusError } from "../../../../lib/status.ts";
import type { Binding, Pod } from "../../../../lib/types/core_v1.ts";
import type { ActionSubresource, PrepareContext } from "../../../rest/resource.ts";
import { setCondition } from "./condition.ts";

export const podBinding: ActionSubresource<Pod> = {
  do: "write",
  verbs: ["create"],
  kind: { group: "", version: "v1", kind: "Binding" },
  definition: "io.k8s.api.core.v1.Binding",
  answers: "status",
  apply: (pod, body, context) => bindPod(pod, body as Binding, context),
};

/** Changes the pod. Throws Conflict when it can't go anywhere (any more). */
function bindPod(pod: Pod, binding: Binding, { now }: PrepareContext): FieldError[] {
  const errors = bindingErrors(binding);
  if (errors.length > 0) return errors;
  refuseStale(pod, binding);
  const { name, deletionTimestamp } = pod.metadata;
  if (deletionTimestamp !== undefined) {
    throw conflict(name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  if (pod.spec.nodeName) {
    throw conflict(name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`);
  }
  if ((pod.spec.schedulingGates ?? []).length > 0) {
    throw conflict(name, `pod ${name} has non-empty .spec.schedulingGates`);
  }
  pod.spec.nodeName = binding.target.name;
  // The hint has served its turn; left standing it would count against a node that the pod did not go to.
  delete pod.status.nominatedNodeName;
  copyOnto(pod, "annotations", binding.metadata.annotations);
  copyOnto(pod, "labels", binding.metadata.labels);
  setCondition(pod, { type: "PodScheduled", status: "True" }, rfc3339(now));
  return [];
}

function bindingErrors({ target }: Binding): FieldError[] {
  const errors: FieldError[] = [];
  if (target?.kind && target.kind !== "Node") {
    errors.push(fieldError.notSupported("target.kind", target.kind, ["Node", "<empty>"]));
  }
  if (!target?.name) errors.push(fieldError.required("target.name"));
  return errors;
}

/** A binding may name the pod that it means. */
function refuseStale({ metadata }: Pod, binding: Binding): void {
  const { uid, resourceVersion } = binding.metadata;
  const { name } = metadata;
  if (uid && uid !== metadata.uid) {
    throw conflict(name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid}`);
  }
  if (resourceVersion && resourceVersion !== metadata.resourceVersion) {
    const what = `ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: `;
    throw conflict(name, `Precondition failed: ${what}${metadata.resourceVersion}`);
  }
}

function copyOnto(pod: Pod, what: "annotations" | "labels", from: Readonly<Record<string, string>> | undefined): void {
  if (from !== undefined && Object.keys(from).length > 0) pod.metadata[what] = { ...pod.metadata[what], ...from };
}

function conflict(name: string, why: string) {
  const message = `Operation cannot be fulfilled on pods/binding ${JSON.stringify(name)}: ${why}`;
  return statusError("Conflict", message, { name, kind: "pods/binding" });
}
