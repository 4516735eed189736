/** ReplicaSets (pkg/registry/apps/replicaset). */
import { selectorString } from "../../../lib/selector/mod.ts";
import { type FieldError } from "../../../lib/status.ts";
import { ReplicaSet } from "../../../lib/types/kinds.ts";
import type { ReplicaSet as Set } from "../../../lib/types/apps_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { fillTemplate } from "../core/controlled_template.ts";
import { workloadWarnings } from "../core/pod/workload_warnings.ts";
import { defaultPodTemplate } from "../core/pod_template.ts";
import { validateReplicaCounts } from "../core/replica_status.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { formatLabelSelector } from "../meta/format.ts";
import { immutable } from "../meta/immutable.ts";
import { nonNegativeFields } from "../meta/non_negative.ts";
import { templateColumns } from "../meta/template_columns.ts";
import { selectorOf, validateReplicated } from "./replicated.ts";

const counts = [
  "replicas",
  "fullyLabeledReplicas",
  "readyReplicas",
  "availableReplicas",
  "observedGeneration",
  "terminatingReplicas",
];

const zero = { replicas: 0 };

export const replicaSet = defineResource<Set>(ReplicaSet, {
  definition: "io.k8s.api.apps.v1.ReplicaSet",
  shortNames: ["rs"],
  categories: ["all"],
  status: true,
  defaults(object) {
    object.spec ??= {} as Set["spec"];
    object.spec.replicas ??= 1;
    object.spec.template = fillTemplate(object.spec.template);
    defaultPodTemplate(object.spec.template);
  },
  prepareCreate: fillStatus,
  prepareStatus: fillStatus,
  validate,
  validateUpdate: (object, old) => immutable(object.spec.selector, old.spec.selector, "spec.selector"),
  validateStatus: ({ status }) =>
    validateReplicaCounts(status, { counts, parts: ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"] }),
  warnings: (object, old) => workloadWarnings(object, old, (it) => it.spec.template),
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(object, replicas) {
      object.spec.replicas = replicas;
    },
    statusReplicas: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => selectorString(selectorOf(spec)),
  },
  fields: { "status.replicas": ({ status }) => String(status.replicas ?? 0) },
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", value: ({ spec }) => spec.replicas ?? 0 },
    { name: "Current", type: "integer", value: ({ status }) => status.replicas ?? 0 },
    { name: "Ready", type: "integer", value: ({ status }) => status.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns<Set>(({ spec }) => spec.template, ({ spec }) => formatLabelSelector(spec.selector)),
  ],
}, isDNS1123Subdomain);

/** Counts that are never left out. */
function fillStatus(object: Set): void {
  object.status = { ...zero, ...object.status };
}

function validate({ spec }: Set): FieldError[] {
  return [...nonNegativeFields(spec, ["replicas", "minReadySeconds"], "spec"), ...validateReplicated(spec)];
}
