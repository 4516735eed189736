/** Pods (pkg/registry/core/pod). What its parts mean is pod/'s and pod_spec/'s. */
import { rfc3339 } from "../../../lib/seams/clock.ts";
import { Pod } from "../../../lib/types/kinds.ts";
import type { Pod as PodObject } from "../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type PrepareContext } from "../../rest/resource.ts";
import { podBinding } from "./pod/binding.ts";
import { podColumns } from "./pod/columns.ts";
import { setCondition } from "./pod/condition.ts";
import { podConnections } from "./pod/connect.ts";
import { podEphemeralContainers } from "./pod/ephemeral_containers.ts";
import { podFields } from "./pod/fields.ts";
import { applyLabelKeys } from "./pod/label_keys.ts";
import { qosClass } from "./pod/qos.ts";
import { podResize } from "./pod/resize.ts";
import { defaultPod, validateNewPod, validatePod } from "./pod/spec.ts";
import { validatePodStatusUpdate } from "./pod/status.ts";
import { validatePodUpdate } from "./pod/update.ts";
import { podWarnings } from "./pod/warnings.ts";

export const pod = defineResource(Pod, {
  definition: "io.k8s.api.core.v1.Pod",
  shortNames: ["po"],
  categories: ["all"],
  status: true,
  returnsDeleted: true,
  defaults: defaultPod,
  prepareCreate,
  validate: validatePod,
  validateCreate: validateNewPod,
  validateUpdate: validatePodUpdate,
  prepareStatus,
  validateStatus: validatePodStatusUpdate,
  graceSeconds,
  warnings: (object, old) => old === undefined ? podWarnings(object) : [],
  columns: podColumns,
  fields: podFields,
  subresources: {
    ...podConnections,
    binding: podBinding,
    ephemeralcontainers: podEphemeralContainers,
    resize: podResize,
    eviction: {
      do: "evict",
      verbs: ["create"],
      kind: { group: "policy", version: "v1", kind: "Eviction" },
      definition: "io.k8s.api.policy.v1.Eviction",
    },
  },
}, isDNS1123Subdomain);

function prepareCreate(object: PodObject, { now }: PrepareContext): void {
  object.status = { phase: "Pending", qosClass: qosClass(object.spec) };
  if ((object.spec.schedulingGates ?? []).length > 0) {
    const message = "Scheduling is blocked due to non-empty scheduling gates";
    const gated = { type: "PodScheduled", status: "False", reason: "SchedulingGated", message };
    setCondition(object, gated, rfc3339(now));
  }
  applyLabelKeys(object);
}

/** Agents write statuses, never owners. */
function prepareStatus(object: PodObject, old: PodObject): void {
  const { ownerReferences } = old.metadata;
  if (ownerReferences === undefined) delete object.metadata.ownerReferences;
  else object.metadata.ownerReferences = ownerReferences;
  object.status ??= {};
}

/** There is nothing to end gently where nothing runs (CheckGracefulDelete). */
function graceSeconds({ spec, status }: PodObject, asked: number | undefined): number {
  if (!spec.nodeName || status.phase === "Failed" || status.phase === "Succeeded") return 0;
  const seconds = asked ?? spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}
