/** Taints of a Node (validateNodeTaints), also those that old clients keep in annotations. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Taint } from "../../../../lib/types/core_v1.ts";
import { isQualifiedName, isValidLabelValue } from "../../../../lib/validation.ts";

const effects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/** `path`: Kubernetes says `metadata.taints`, though they are in the spec. */
export function validateTaints(taints: readonly Taint[] | undefined, path: string): FieldError[] {
  const seen = new Set<string>();
  return (taints ?? []).flatMap((taint, i) => {
    const at = `${path}[${i}]`;
    const { key = "", value = "", effect = "" } = taint;
    const errors = isQualifiedName(key).map((message) => fieldError.invalid(`${at}.key`, key, message));
    const wrong = isValidLabelValue(value);
    if (wrong.length > 0) errors.push(fieldError.invalid(`${at}.value`, value, wrong.join(";")));
    if (effect === "") errors.push(fieldError.required(`${at}.effect`));
    else if (!effects.includes(effect)) errors.push(fieldError.notSupported(`${at}.effect`, effect, effects));
    const identity = `${effect}/${key}`;
    if (seen.has(identity)) {
      const shown = { Key: key, Value: value, Effect: effect, TimeAdded: taint.timeAdded ?? null };
      const { message, ...error } = fieldError.duplicate(at, shown);
      errors.push({ ...error, message: `${message}: taints must be unique by key and effect pair` });
    }
    seen.add(identity);
    return errors;
  });
}
