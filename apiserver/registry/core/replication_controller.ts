/** ReplicationControllers (pkg/registry/core/replicationcontroller): the older form of a ReplicaSet. */
import { selectorFromMap } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { ReplicationController } from "../../../lib/types/kinds.ts";
import type { ReplicationController as Controller } from "../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { formatLabels, labelsText } from "../meta/format.ts";
import { nonNegative } from "../meta/non_negative.ts";
import { templateColumns } from "../meta/template_columns.ts";
import { validateLastingTemplate } from "./controlled_template.ts";
import { workloadWarnings } from "./pod/workload_warnings.ts";
import { defaultPodTemplate } from "./pod_template.ts";
import { validateReplicaCounts } from "./replica_status.ts";

const counts = ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"];

const zero = { replicas: 0 };

export const replicationController = defineResource<Controller>(ReplicationController, {
  definition: "io.k8s.api.core.v1.ReplicationController",
  shortNames: ["rc"],
  categories: ["all"],
  status: true,
  dependents: "orphan",
  defaults,
  prepareCreate: fillStatus,
  prepareStatus: fillStatus,
  validate,
  validateStatus: ({ status }) =>
    validateReplicaCounts(status, { counts, parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] }),
  warnings: (object, old) => workloadWarnings(object, old, (it) => it.spec.template),
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(object, replicas) {
      object.spec.replicas = replicas;
    },
    statusReplicas: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => labelsText(spec.selector),
  },
  fields: { "status.replicas": ({ status }) => String(status.replicas ?? 0) },
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", value: ({ spec }) => spec.replicas ?? 0 },
    { name: "Current", type: "integer", value: ({ status }) => status.replicas ?? 0 },
    { name: "Ready", type: "integer", value: ({ status }) => status.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns<Controller>(({ spec }) => spec.template, ({ spec }) => formatLabels(spec.selector)),
  ],
}, isDNS1123Subdomain);

/** Counts that are never left out. */
function fillStatus(object: Controller): void {
  object.status = { ...zero, ...object.status };
}

/** The template's labels stand for a selector and for labels that were not given. */
function defaults(object: Controller): void {
  const spec = object.spec ??= {};
  const { template } = spec;
  if (template !== undefined) {
    defaultPodTemplate(template);
    const labels = template.metadata?.labels;
    if (labels !== undefined) {
      if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
      if (Object.keys(object.metadata.labels ?? {}).length === 0) object.metadata.labels = { ...labels };
    }
  }
  spec.replicas ??= 1;
}

function validate({ spec }: Controller): FieldError[] {
  const errors = nonNegative(spec.minReadySeconds, "spec.minReadySeconds");
  const selector = selectorFromMap(spec.selector);
  if (selector.requirements.length === 0) errors.push(fieldError.required("spec.selector"));
  errors.push(...nonNegative(spec.replicas, "spec.replicas"));
  if (spec.template === undefined) return [...errors, fieldError.required("spec.template")];
  const kind = "ReplicationController";
  return [...errors, ...validateLastingTemplate(spec.template, "spec.template", { selector, kind })];
}
