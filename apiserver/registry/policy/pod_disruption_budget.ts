/** PodDisruptionBudget: how many pods of a set may be evicted at a time. Evicting is rest/evict.ts, counting a controller's. */
import { validateLabelSelector } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { PodDisruptionBudget as kind } from "../../../lib/types/kinds.ts";
import type { PodDisruptionBudget } from "../../../lib/types/policy_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { validateConditions } from "../meta/conditions.ts";
import { notMoreThan100Percent, validateIntOrPercent } from "../meta/int_or_percent.ts";

const evictionPolicies = ["AlwaysAllow", "IfHealthyBudget"];
const counts = ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] as const;

function validate({ spec }: PodDisruptionBudget): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.push(fieldError.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const name of ["minAvailable", "maxUnavailable"] as const) {
    const value = spec[name];
    if (value === undefined) continue;
    errors.push(...validateIntOrPercent(value, `spec.${name}`));
    errors.push(...notMoreThan100Percent(value, `spec.${name}`));
  }
  const policy = spec.unhealthyPodEvictionPolicy;
  if (policy !== undefined && !evictionPolicies.includes(policy)) {
    errors.push(fieldError.notSupported("spec.unhealthyPodEvictionPolicy", policy, evictionPolicies));
  }
  return [...errors, ...validateLabelSelector(spec.selector, "spec.selector")];
}

function validateStatus({ status }: PodDisruptionBudget): FieldError[] {
  const errors = validateConditions(status?.conditions, "status.conditions");
  for (const name of counts) {
    const value = status?.[name] ?? 0;
    if (value < 0) errors.push(fieldError.invalid(`status.${name}`, value, "must be greater than or equal to 0"));
  }
  return errors;
}

export const podDisruptionBudget: Resource<PodDisruptionBudget> = defineResource<PodDisruptionBudget>(kind, {
  definition: "io.k8s.api.policy.v1.PodDisruptionBudget",
  shortNames: ["pdb"],
  status: true,
  // The controller and evictions both count in the status: neither may overwrite the other unseen.
  unconditionalUpdate: false,
  defaults(object) {
    object.spec ??= {};
    const status = object.status ??= {};
    // Always on the wire: clients read zeros where nothing has been counted yet.
    for (const name of counts) status[name] ??= 0;
  },
  prepareCreate(object) {
    object.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
  },
  validate,
  validateStatus,
  columns: [
    nameColumn,
    { name: "Min Available", type: "string", value: ({ spec }) => String(spec.minAvailable ?? "N/A") },
    { name: "Max Unavailable", type: "string", value: ({ spec }) => String(spec.maxUnavailable ?? "N/A") },
    { name: "Allowed Disruptions", type: "integer", value: ({ status }) => status?.disruptionsAllowed ?? 0 },
    ageColumn,
  ],
}, isDNS1123Subdomain);
