/** StatefulSets (pkg/registry/apps/statefulset). What they say of volume claims is stateful_set/claims.ts'. */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { selectorString } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  StatefulSet as Set,
  StatefulSetPersistentVolumeClaimRetentionPolicy,
  StatefulSetSpec,
  StatefulSetUpdateStrategy,
} from "../../../lib/types/apps_v1.ts";
import { StatefulSet } from "../../../lib/types/kinds.ts";
import { isDNS1123Label } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { fillTemplate, lastingErrors, mismatchErrors, usableSelector } from "../core/controlled_template.ts";
import { workloadWarnings } from "../core/pod/workload_warnings.ts";
import { defaultPodTemplate, validatePodTemplate } from "../core/pod_template.ts";
import { collisionErrors, validateReplicaCounts } from "../core/replica_status.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { intOrPercentValue, notMoreThan100Percent, validateIntOrPercent } from "../meta/int_or_percent.ts";
import { nonNegative } from "../meta/non_negative.ts";
import { templateColumns } from "../meta/template_columns.ts";
import { selectorErrors, selectorOf } from "./replicated.ts";
import { claimErrors, defaultClaim, withClaims } from "./stateful_set/claims.ts";

const counts = [
  "replicas",
  "readyReplicas",
  "currentReplicas",
  "updatedReplicas",
  "availableReplicas",
  "observedGeneration",
  "collisionCount",
];
const parts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];

const zero = { replicas: 0, availableReplicas: 0 };

export const statefulSet = defineResource<Set>(StatefulSet, {
  definition: "io.k8s.api.apps.v1.StatefulSet",
  shortNames: ["sts"],
  categories: ["all"],
  status: true,
  defaults,
  prepareCreate: fillStatus,
  prepareStatus: fillStatus,
  validate,
  validateUpdate,
  validateStatus: ({ status }, old) => [
    ...validateReplicaCounts(status, { counts, parts, readyName: "status.readyReplicas" }),
    ...collisionErrors(status.collisionCount, old.status.collisionCount),
  ],
  warnings,
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
    ageColumn,
    ...templateColumns<Set>(({ spec }) => spec.template),
  ],
}, isDNS1123Label);

/** Counts that are never left out. */
function fillStatus(object: Set): void {
  object.status = { ...zero, ...object.status };
}

function defaults(object: Set): void {
  const spec = object.spec ??= {} as StatefulSetSpec;
  spec.podManagementPolicy ||= "OrderedReady";
  const strategy: StatefulSetUpdateStrategy = spec.updateStrategy ??= {};
  if (!strategy.type) {
    strategy.type = "RollingUpdate";
    strategy.rollingUpdate ??= {};
  }
  if (strategy.type === "RollingUpdate" && strategy.rollingUpdate !== undefined) {
    strategy.rollingUpdate.partition ??= 0;
    strategy.rollingUpdate.maxUnavailable ??= 1;
  }
  const retention: StatefulSetPersistentVolumeClaimRetentionPolicy = spec.persistentVolumeClaimRetentionPolicy ??= {};
  retention.whenDeleted ||= "Retain";
  retention.whenScaled ||= "Retain";
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.template = fillTemplate(spec.template);
  defaultPodTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) defaultClaim(claim);
}

function validate({ spec }: Set): FieldError[] {
  const errors = [...policyErrors(spec), ...strategyErrors(spec.updateStrategy ?? {}), ...retentionErrors(spec)];
  errors.push(...nonNegative(spec.replicas, "spec.replicas"));
  errors.push(...nonNegative(spec.minReadySeconds, "spec.minReadySeconds"));
  errors.push(...nonNegative(spec.ordinals?.start, "spec.ordinals.start"));
  if (spec.serviceName) {
    for (const message of isDNS1123Label(spec.serviceName)) {
      errors.push(fieldError.invalid("spec.serviceName", spec.serviceName, message));
    }
  }
  errors.push(...selectorErrors(spec.selector, "statefulset"));
  return [...errors, ...templateErrors(spec), ...claimErrors(spec.volumeClaimTemplates ?? [])];
}

function policyErrors({ podManagementPolicy: policy }: StatefulSetSpec): FieldError[] {
  if (policy === "OrderedReady" || policy === "Parallel") return [];
  return [fieldError.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")];
}

function strategyErrors(strategy: StatefulSetUpdateStrategy): FieldError[] {
  const path = "spec.updateStrategy";
  const rolling = strategy.rollingUpdate;
  if (strategy.type !== "RollingUpdate" && strategy.type !== "OnDelete") {
    return [fieldError.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")];
  }
  if (rolling === undefined) return [];
  if (strategy.type === "OnDelete") {
    const detail = "only allowed for updateStrategy 'RollingUpdate'";
    return [fieldError.invalid(`${path}.rollingUpdate`, rolling, detail)];
  }
  const errors = nonNegative(rolling.partition, `${path}.rollingUpdate.partition`);
  const { maxUnavailable } = rolling;
  if (maxUnavailable === undefined) return errors;
  const at = `${path}.rollingUpdate.maxUnavailable`;
  errors.push(...validateIntOrPercent(maxUnavailable, at));
  if (intOrPercentValue(maxUnavailable) === 0) errors.push(fieldError.invalid(at, maxUnavailable, "cannot be 0"));
  return [...errors, ...notMoreThan100Percent(maxUnavailable, at)];
}

function retentionErrors({ persistentVolumeClaimRetentionPolicy: policy }: StatefulSetSpec): FieldError[] {
  const supported = ["Retain", "Delete"];
  return (["whenDeleted", "whenScaled"] as const).flatMap((name) => {
    const value = policy?.[name] ?? "Retain";
    if (supported.includes(value)) return [];
    return [fieldError.notSupported(`spec.persistentVolumeClaimRetentionPolicy.${name}`, value, supported)];
  });
}

/** Containers may mount claims as if they were volumes of the template. */
function templateErrors(spec: StatefulSetSpec): FieldError[] {
  const path = "spec.template";
  const selector = usableSelector(spec.selector);
  const errors: FieldError[] = [];
  if (selector === undefined) errors.push(fieldError.invalid("spec.selector", spec.selector, ""));
  else errors.push(...mismatchErrors(spec.template, selector, path));
  errors.push(...validatePodTemplate(withClaims(spec.template, spec.volumeClaimTemplates ?? []), path));
  return [...errors, ...lastingErrors(spec.template, path, "StatefulSet")];
}

const updatable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

function validateUpdate(object: Set, old: Set): FieldError[] {
  if (deepEqual(fixed(object.spec), fixed(old.spec))) return [];
  const names = updatable.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  return [fieldError.forbidden("spec", `updates to statefulset spec for fields other than ${list} are forbidden`)];
}

function fixed(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const rest: Partial<StatefulSetSpec> = { ...spec };
  for (const name of updatable) delete rest[name];
  return rest;
}

function warnings(object: Set, old: Set | undefined): string[] {
  const about = workloadWarnings(object, old, (it) => it.spec.template);
  if ((object.spec.revisionHistoryLimit ?? 0) < 0) {
    const note = "a negative value retains all historical revisions; a value >= 0 is recommended";
    about.push(`spec.revisionHistoryLimit: ${note}`);
  }
  return about;
}
