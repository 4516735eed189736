/** How evenly pods are spread over zones, hosts and the like. */
import { validateLabelSelector } from "../../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { TopologySpreadConstraint } from "../../../../lib/types/core_v1.ts";
import { checkSupported } from "./checks.ts";
import { validateMatchLabelKeys } from "./match_label_keys.ts";

export function validateTopologySpread(
  constraints: readonly TopologySpreadConstraint[] | undefined,
  path: string,
): FieldError[] {
  return (constraints ?? []).flatMap((constraint, i, all) =>
    validateConstraint(constraint, all.slice(i + 1), `${path}[${i}]`)
  );
}

function validateConstraint(
  constraint: TopologySpreadConstraint,
  others: readonly TopologySpreadConstraint[],
  path: string,
): FieldError[] {
  const { maxSkew = 0, minDomains, topologyKey = "", nodeAffinityPolicy, nodeTaintsPolicy } = constraint;
  const when: string = constraint.whenUnsatisfiable ?? "";
  const errors = positive(maxSkew, `${path}.maxSkew`);
  if (topologyKey === "") errors.push(fieldError.required(`${path}.topologyKey`, "can not be empty"));
  errors.push(...checkSupported(when, `${path}.whenUnsatisfiable`, ["DoNotSchedule", "ScheduleAnyway"]));
  if (others.some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === when)) {
    errors.push(fieldError.duplicate(`${path}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${when}}`));
  }
  if (minDomains !== undefined) {
    errors.push(...positive(minDomains, `${path}.minDomains`));
    if (when !== "DoNotSchedule") {
      const detail = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${when}`;
      errors.push(fieldError.invalid(`${path}.minDomains`, minDomains, detail));
    }
  }
  return [
    ...errors,
    ...policyErrors(nodeAffinityPolicy, `${path}.nodeAffinityPolicy`),
    ...policyErrors(nodeTaintsPolicy, `${path}.nodeTaintsPolicy`),
    ...validateMatchLabelKeys(constraint, path),
    ...validateLabelSelector(constraint.labelSelector, `${path}.labelSelector`),
  ];
}

function positive(value: number, path: string): FieldError[] {
  return value > 0 ? [] : [fieldError.invalid(path, value, "must be greater than zero")];
}

function policyErrors(policy: string | undefined, path: string): FieldError[] {
  return policy === undefined ? [] : checkSupported(policy, path, ["Honor", "Ignore"]);
}
