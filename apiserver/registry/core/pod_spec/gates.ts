/** Conditions that others set: before a pod is scheduled, and before it is ready. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodReadinessGate, PodSchedulingGate, PodSchedulingGroup } from "../../../../lib/types/core_v1.ts";
import { checkDNSSubdomain, checkQualifiedName } from "./checks.ts";

export function validateReadinessGates(gates: readonly PodReadinessGate[] | undefined, path: string): FieldError[] {
  return (gates ?? []).flatMap(({ conditionType }, i) =>
    checkQualifiedName(conditionType ?? "", `${path}[${i}].conditionType`)
  );
}

export function validateSchedulingGates(gates: readonly PodSchedulingGate[] | undefined, path: string): FieldError[] {
  const seen = new Set<string>();
  return (gates ?? []).flatMap(({ name = "" }, i) => {
    const errors = checkQualifiedName(name, `${path}[${i}]`);
    if (seen.has(name)) errors.push(fieldError.duplicate(`${path}[${i}]`, name));
    seen.add(name);
    return errors;
  });
}

/** Pods that are scheduled together or not at all. */
export function validateSchedulingGroup(group: PodSchedulingGroup | undefined, path: string): FieldError[] {
  if (group === undefined) return [];
  const at = `${path}.podGroupName`;
  const { podGroupName } = group;
  if (podGroupName !== undefined) return checkDNSSubdomain(podGroupName, at);
  return [fieldError.invalid(at, null, "must specify one of: `podGroupName`")];
}
