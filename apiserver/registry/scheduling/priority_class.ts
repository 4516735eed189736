/**
 * PriorityClass: a name for a pod's priority. That there is one global default is admission's business, and that the
 * system's own classes exist is bootstrap's.
 */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { PriorityClass as kind } from "../../../lib/types/kinds.ts";
import type { PriorityClass } from "../../../lib/types/scheduling_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";

/** Users' priorities end here, the system's begin at twice this (scheduling.HighestUserDefinablePriority). */
export const userPriorityMax = 1_000_000_000;
const systemPrefix = "system-";
const systemClasses: Readonly<Record<string, number>> = {
  "system-node-critical": 2_000_001_000,
  "system-cluster-critical": 2_000_000_000,
};

function validate(object: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  const { name = "" } = object.metadata;
  if (name.startsWith(systemPrefix)) {
    const wrong = systemClassError(object);
    if (wrong !== undefined) {
      const detail =
        `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${wrong}`;
      errors.push(fieldError.forbidden("metadata.name", detail));
    }
  } else if ((object.value ?? 0) > userPriorityMax) {
    const detail = `maximum allowed value of a user defined priority is ${userPriorityMax}`;
    errors.push(fieldError.forbidden("value", detail));
  }
  const policy: string | undefined = object.preemptionPolicy;
  if (policy === "") errors.push(fieldError.required("preemptionPolicy"));
  else if (policy !== undefined && policy !== "PreemptLowerPriority" && policy !== "Never") {
    errors.push(fieldError.notSupported("preemptionPolicy", policy, ["PreemptLowerPriority", "Never"]));
  }
  return errors;
}

function systemClassError({ metadata: { name }, value = 0, globalDefault = false }: PriorityClass): string | undefined {
  if (!Object.hasOwn(systemClasses, name)) return `${name} is not a known system priority class`;
  if (systemClasses[name] !== value) return `value of ${name} PriorityClass must be ${systemClasses[name]}`;
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined;
}

function validateUpdate(object: PriorityClass, old: PriorityClass): FieldError[] {
  const errors: FieldError[] = [];
  // Pods hold the number that the class had when they came.
  if ((object.value ?? 0) !== (old.value ?? 0)) {
    errors.push(fieldError.forbidden("value", "may not be changed in an update."));
  }
  if (object.preemptionPolicy !== old.preemptionPolicy) {
    errors.push(fieldError.invalid("preemptionPolicy", object.preemptionPolicy, "field is immutable"));
  }
  return errors;
}

export const priorityClass: Resource<PriorityClass> = defineResource<PriorityClass>(kind, {
  definition: "io.k8s.api.scheduling.v1.PriorityClass",
  shortNames: ["pc"],
  defaults(object) {
    object.preemptionPolicy ??= "PreemptLowerPriority";
    object.value ??= 0;
  },
  prepareCreate(object) {
    // It has a generation, which never moves.
    object.metadata.generation = 1;
  },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { name: "Value", type: "integer", value: ({ value = 0 }) => value },
    { name: "Global-Default", type: "boolean", value: ({ globalDefault = false }) => globalDefault },
    ageColumn,
    { name: "PreemptionPolicy", type: "string", value: ({ preemptionPolicy = "" }) => preemptionPolicy },
  ],
}, isDNS1123Subdomain);
