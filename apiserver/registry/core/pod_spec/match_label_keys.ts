/** Keys of labels that the pod itself gives values to: matchLabelKeys and mismatchLabelKeys beside a label selector. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { LabelSelector } from "../../../../lib/types/meta_v1.ts";
import { checkQualifiedName } from "./checks.ts";

export interface LabelKeys {
  labelSelector?: LabelSelector;
  matchLabelKeys?: string[];
  mismatchLabelKeys?: string[];
}

/** `path` is that of what has the keys (ValidateMatchLabelKeysAndMismatchLabelKeys). */
export function validateMatchLabelKeys(
  { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: LabelKeys,
  path: string,
): FieldError[] {
  const errors = [
    ...validateKeys(matchLabelKeys, labelSelector, `${path}.matchLabelKeys`),
    ...validateKeys(mismatchLabelKeys, labelSelector, `${path}.mismatchLabelKeys`),
    ...validateTwice(matchLabelKeys, labelSelector, path),
  ];
  matchLabelKeys.forEach((key, i) => {
    if (!mismatchLabelKeys.includes(key)) return;
    const detail = "exists in both matchLabelKeys and mismatchLabelKeys";
    errors.push(fieldError.invalid(`${path}.matchLabelKeys[${i}]`, key, detail));
  });
  return errors;
}

function validateKeys(keys: readonly string[], selector: LabelSelector | undefined, path: string): FieldError[] {
  if (keys.length === 0) return [];
  if (selector === undefined) {
    return [fieldError.forbidden(path, "must not be specified when labelSelector is not set")];
  }
  return keys.flatMap((key, i) => checkQualifiedName(key, `${path}[${i}]`));
}

/**
 * The selector has one expression for each of matchLabelKeys, written into it when the pod was created; a second one
 * for the same key was the user's.
 */
function validateTwice(keys: readonly string[], selector: LabelSelector | undefined, path: string): FieldError[] {
  const selected = new Set(Object.keys(selector?.matchLabels ?? {}));
  return (selector?.matchExpressions ?? []).flatMap(({ key }) => {
    const index = keys.lastIndexOf(key);
    const twice = index >= 0 && selected.has(key);
    selected.add(key);
    return twice
      ? [fieldError.invalid(`${path}[${index}]`, key, "exists in both matchLabelKeys and labelSelector")]
      : [];
  });
}
