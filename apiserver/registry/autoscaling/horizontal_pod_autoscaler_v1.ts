/**
 * HorizontalPodAutoscaler, autoscaling/v1: stored as autoscaling/v2. What v1 has no fields for is in annotations, so a
 * client that speaks v1 gives back all that it was given.
 */
import type { KubeObject } from "../../../lib/kind.ts";
import type { HorizontalPodAutoscaler } from "../../../lib/types/autoscaling_v1.ts";
import type { HorizontalPodAutoscaler as Stored } from "../../../lib/types/autoscaling_v2.ts";
import { HorizontalPodAutoscaler as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { type Column, defineResource, type Resource } from "../../rest/resource.ts";
import { metricsFrom, specAnnotations, statusAnnotations } from "./annotations.ts";
import { toV1, toV2 } from "./conversion.ts";
import {
  autoscalerColumns,
  defaultUtilizationPercent,
  validateAutoscaler,
  validateAutoscalerStatus,
} from "./horizontal_pod_autoscaler.ts";

function defaults(object: HorizontalPodAutoscaler): void {
  const spec = object.spec ??= {} as HorizontalPodAutoscaler["spec"];
  spec.minReplicas ??= 1;
  // Said here already: what is stored says it, and a write that leaves it out again is none.
  if (metricsFrom(object.metadata?.annotations).length === 0) {
    spec.targetCPUUtilizationPercentage ??= defaultUtilizationPercent;
  }
  const status = object.status ??= { currentReplicas: 0, desiredReplicas: 0 };
  status.currentReplicas ??= 0;
  status.desiredReplicas ??= 0;
}

/** In v1, parts of spec and status are annotations: those of the part that is not being written stay as they were. */
function keepAnnotations(
  object: HorizontalPodAutoscaler,
  old: HorizontalPodAutoscaler | undefined,
  keys: readonly string[],
) {
  const annotations = { ...object.metadata.annotations };
  for (const key of keys) {
    const before = old?.metadata.annotations?.[key];
    if (before === undefined) delete annotations[key];
    else annotations[key] = before;
  }
  if (Object.keys(annotations).length > 0) object.metadata.annotations = annotations;
  else delete object.metadata.annotations;
}

const columns: readonly Column<HorizontalPodAutoscaler>[] = autoscalerColumns.map((column) => ({
  ...column,
  value: (object, now) => column.value(toV2(object), now),
}));

export const horizontalPodAutoscalerV1: Resource<HorizontalPodAutoscaler> = defineResource<HorizontalPodAutoscaler>(
  kind,
  {
    definition: "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler",
    shortNames: ["hpa"],
    categories: ["all"],
    status: true,
    generation: false,
    convert: {
      toStored: (object) => toV2(object) as KubeObject,
      fromStored: (object) => toV1(object as Stored),
    },
    defaults,
    prepareCreate(object) {
      object.status = { currentReplicas: 0, desiredReplicas: 0 };
      keepAnnotations(object, undefined, statusAnnotations);
    },
    prepareUpdate: (object, old) => keepAnnotations(object, old, statusAnnotations),
    prepareStatus: (object, old) => keepAnnotations(object, old, specAnnotations),
    validate: (object) => validateAutoscaler(toV2(object)),
    validateStatus: (object) => validateAutoscalerStatus(toV2(object)),
    columns,
  },
  isDNS1123Subdomain,
);
