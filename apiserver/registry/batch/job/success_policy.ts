/** When an Indexed Job has succeeded before all of its indexes have (validateSuccessPolicy). */
import { succeededIndexesBytesMax, successRulesMax } from "../../../../lib/limits.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { JobSpec, SuccessPolicyRule } from "../../../../lib/types/batch_v1.ts";
import { utf8Length } from "../../../../lib/validation.ts";
import { nonNegative } from "../../meta/non_negative.ts";
import { indexCount, IndexRangeError, parseIndexRanges } from "./index_ranges.ts";

export function successPolicyErrors(spec: JobSpec, path: string): FieldError[] {
  const policy = spec.successPolicy!;
  if (spec.completionMode !== "Indexed") return [fieldError.invalid(path, policy, "requires indexed completion mode")];
  const rules = policy.rules ?? [];
  const errors: FieldError[] = [];
  if (rules.length === 0) {
    const detail = "at least one rules must be specified when the successPolicy is specified";
    errors.push(fieldError.required(`${path}.rules`, detail));
  }
  if (rules.length > successRulesMax) errors.push(fieldError.tooMany(`${path}.rules`, rules.length, successRulesMax));
  rules.forEach((rule, i) => errors.push(...ruleErrors(rule, `${path}.rules[${i}]`, spec.completions ?? 0)));
  return errors;
}

function ruleErrors(rule: SuccessPolicyRule, path: string, completions: number): FieldError[] {
  const { succeededCount: count, succeededIndexes: indexes } = rule;
  const errors: FieldError[] = [];
  if (count === undefined && indexes === undefined) {
    const detail = "at least one of succeededCount or succeededIndexes must be specified";
    errors.push(fieldError.required(path, detail));
  }
  let named = 0;
  if (indexes !== undefined) {
    const found = countIndexes(indexes, completions, `${path}.succeededIndexes`);
    named = found.count;
    errors.push(...found.errors);
  }
  if (count === undefined) return errors;
  const at = `${path}.succeededCount`;
  errors.push(...nonNegative(count, at));
  if (count > completions) {
    const detail = `must be less than or equal to ${completions} (the number of specified completions)`;
    errors.push(fieldError.invalid(at, count, detail));
  }
  if (indexes !== undefined && count > named) {
    const what = "(the number of indexes in the specified succeededIndexes field)";
    errors.push(fieldError.invalid(at, count, `must be less than or equal to ${named} ${what}`));
  }
  return errors;
}

function countIndexes(text: string, completions: number, path: string): { count: number; errors: FieldError[] } {
  const errors: FieldError[] = [];
  if (utf8Length(text) > succeededIndexesBytesMax) errors.push(fieldError.tooLong(path, succeededIndexesBytesMax));
  try {
    return { count: indexCount(parseIndexRanges(text, completions)), errors };
  } catch (error) {
    if (!(error instanceof IndexRangeError)) throw error;
    errors.push(fieldError.invalid(path, text, `error parsing succeededIndexes: ${error.message}`));
    return { count: 0, errors };
  }
}
