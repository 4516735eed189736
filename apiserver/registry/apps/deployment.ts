/** Deployments (pkg/registry/apps/deployment). */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { selectorString } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { Deployment } from "../../../lib/types/kinds.ts";
import type {
  Deployment as DeploymentObject,
  DeploymentStrategy,
  RollingUpdateDeployment,
} from "../../../lib/types/apps_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { fillTemplate } from "../core/controlled_template.ts";
import { workloadWarnings } from "../core/pod/workload_warnings.ts";
import { defaultPodTemplate } from "../core/pod_template.ts";
import { collisionErrors, validateReplicaCounts } from "../core/replica_status.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { formatLabelSelector } from "../meta/format.ts";
import { immutable } from "../meta/immutable.ts";
import { intOrPercentValue, notMoreThan100Percent, validateIntOrPercent } from "../meta/int_or_percent.ts";
import { nonNegative, nonNegativeFields } from "../meta/non_negative.ts";
import { templateColumns } from "../meta/template_columns.ts";
import { selectorOf, validateReplicated } from "./replicated.ts";

const counts = [
  "observedGeneration",
  "replicas",
  "updatedReplicas",
  "readyReplicas",
  "availableReplicas",
  "unavailableReplicas",
  "terminatingReplicas",
  "collisionCount",
];

export const deployment = defineResource<DeploymentObject>(Deployment, {
  definition: "io.k8s.api.apps.v1.Deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  status: true,
  defaults,
  prepareUpdate,
  validate,
  validateUpdate: (object, old) => immutable(object.spec.selector, old.spec.selector, "spec.selector"),
  prepareStatus(object, old) {
    // Labels are the users', not the controller's.
    if (old.metadata.labels === undefined) delete object.metadata.labels;
    else object.metadata.labels = old.metadata.labels;
    object.status ??= {};
  },
  validateStatus: ({ status }, old) => [
    ...validateReplicaCounts(status, { counts, parts: ["updatedReplicas", "readyReplicas", "availableReplicas"] }),
    ...collisionErrors(status.collisionCount, old.status.collisionCount),
  ],
  warnings: (object, old) => workloadWarnings(object, old, (it) => it.spec.template),
  scale: {
    replicas: ({ spec }) => spec.replicas ?? 0,
    setReplicas(object, replicas) {
      object.spec.replicas = replicas;
    },
    statusReplicas: ({ status }) => status.replicas ?? 0,
    selector: ({ spec }) => selectorString(selectorOf(spec)),
  },
  columns: [
    nameColumn,
    {
      name: "Ready",
      type: "string",
      value: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
    },
    { name: "Up-to-date", type: "integer", value: ({ status }) => status.updatedReplicas ?? 0 },
    { name: "Available", type: "integer", value: ({ status }) => status.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns<DeploymentObject>(
      ({ spec }) => spec.template,
      ({ spec }) => formatLabelSelector(spec.selector),
    ),
  ],
}, isDNS1123Subdomain);

function defaults(object: DeploymentObject): void {
  const spec = object.spec ??= {} as DeploymentObject["spec"];
  spec.replicas ??= 1;
  const strategy: DeploymentStrategy = spec.strategy ??= {};
  strategy.type ||= "RollingUpdate";
  if (strategy.type === "RollingUpdate") {
    const rolling = strategy.rollingUpdate ??= {};
    rolling.maxUnavailable ??= "25%";
    rolling.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  spec.template = fillTemplate(spec.template);
  defaultPodTemplate(spec.template);
}

/** Annotations count, too: the controller copies them onto ReplicaSets. */
function prepareUpdate({ metadata }: DeploymentObject, old: DeploymentObject): void {
  const before = old.metadata;
  if (!deepEqual(metadata.annotations ?? {}, before.annotations ?? {})) {
    metadata.generation = (before.generation ?? 0) + 1;
  }
}

function validate({ spec }: DeploymentObject): FieldError[] {
  const errors = [
    ...nonNegative(spec.replicas, "spec.replicas"),
    ...validateReplicated(spec),
    ...strategyErrors(spec.strategy ?? {}),
    ...nonNegativeFields(spec, ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"], "spec"),
  ];
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  if (deadline !== undefined && deadline <= minReadySeconds) {
    const detail = "must be greater than minReadySeconds";
    errors.push(fieldError.invalid("spec.progressDeadlineSeconds", deadline, detail));
  }
  return errors;
}

function strategyErrors(strategy: DeploymentStrategy): FieldError[] {
  const path = "spec.strategy";
  switch (strategy.type) {
    case "Recreate": {
      if (strategy.rollingUpdate === undefined) return [];
      const detail = "may not be specified when strategy `type` is 'Recreate'";
      return [fieldError.forbidden(`${path}.rollingUpdate`, detail)];
    }
    case "RollingUpdate":
      return rollingErrors(strategy.rollingUpdate ?? {}, `${path}.rollingUpdate`);
    default:
      return [fieldError.notSupported(path, strategy, ["Recreate", "RollingUpdate"])];
  }
}

function rollingErrors({ maxUnavailable, maxSurge }: RollingUpdateDeployment, path: string): FieldError[] {
  const errors = [
    ...validateIntOrPercent(maxUnavailable, `${path}.maxUnavailable`),
    ...validateIntOrPercent(maxSurge, `${path}.maxSurge`),
  ];
  if (intOrPercentValue(maxUnavailable) === 0 && intOrPercentValue(maxSurge) === 0) {
    const detail = "may not be 0 when `maxSurge` is 0";
    errors.push(fieldError.invalid(`${path}.maxUnavailable`, maxUnavailable ?? 0, detail));
  }
  return [...errors, ...notMoreThan100Percent(maxUnavailable, `${path}.maxUnavailable`)];
}
