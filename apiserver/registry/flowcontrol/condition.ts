/** Conditions of FlowSchemas and PriorityLevelConfigurations: each type once, and named. */
import { type FieldError, fieldError } from "../../../lib/status.ts";

export function validateFlowConditions(
  { status }: { status?: { conditions?: readonly { type?: string }[] } },
): FieldError[] {
  const seen = new Set<string>();
  return (status?.conditions ?? []).flatMap(({ type = "" }, i) => {
    const path = `status.conditions[${i}].type`;
    const errors: FieldError[] = [];
    if (seen.has(type)) errors.push(fieldError.duplicate(path, type));
    seen.add(type);
    if (type === "") errors.push(fieldError.required(path, "must not be empty"));
    return errors;
  });
}
