/** Conditions of the standard form, metav1.Condition (k8s.io/apimachinery/pkg/apis/meta/v1/validation). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { Condition } from "../../../lib/types/meta_v1.ts";
import { isQualifiedName, regexError, utf8Length } from "../../../lib/validation.ts";

const statuses = ["False", "True", "Unknown"];
const reasonFormat = "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?";
const reason = /^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const reasonMessage = "a condition reason must start with alphabetic character, optionally followed by a string of " +
  "alphanumeric characters or '_,:', and must end with an alphanumeric character or '_'";
const reasonExamples = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];
const reasonBytesMax = 1024;
const messageBytesMax = 32 * 1024;

/** `path`: of the list, `status.conditions`. */
export function validateConditions(conditions: readonly Condition[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  (conditions ?? []).forEach((condition, i) => {
    const { type = "" } = condition;
    if (seen.has(type)) errors.push(fieldError.duplicate(`${path}[${i}].type`, type));
    seen.add(type);
    errors.push(...validateCondition(condition, `${path}[${i}]`));
  });
  return errors;
}

export function validateCondition(condition: Condition, path: string): FieldError[] {
  const { type = "", status = "", observedGeneration = 0 } = condition;
  const errors = isQualifiedName(type).map((m) => fieldError.invalid(`${path}.type`, type, m));
  if (!statuses.includes(status)) errors.push(fieldError.notSupported(`${path}.status`, status, statuses));
  if (observedGeneration < 0) {
    const detail = "must be greater than or equal to zero";
    errors.push(fieldError.invalid(`${path}.observedGeneration`, observedGeneration, detail));
  }
  if (!condition.lastTransitionTime) errors.push(fieldError.required(`${path}.lastTransitionTime`, "must be set"));
  errors.push(...validateReason(condition.reason ?? "", `${path}.reason`));
  if (utf8Length(condition.message ?? "") > messageBytesMax) {
    errors.push(fieldError.tooLong(`${path}.message`, messageBytesMax));
  }
  return errors;
}

function validateReason(text: string, path: string): FieldError[] {
  if (text === "") return [fieldError.required(path, "must be set")];
  const errors: FieldError[] = [];
  if (!reason.test(text)) {
    errors.push(fieldError.invalid(path, text, regexError(reasonMessage, reasonFormat, ...reasonExamples)));
  }
  if (utf8Length(text) > reasonBytesMax) errors.push(fieldError.tooLong(path, reasonBytesMax));
  return errors;
}
