/** What a Job makes of failed pods: rules over exit codes and conditions (validatePodFailurePolicy). */
import { podFailureConditionsMax, podFailureExitCodesMax, podFailureRulesMax } from "../../../../lib/limits.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from "../../../../lib/types/batch_v1.ts";
import { isQualifiedName } from "../../../../lib/validation.ts";
import { invalidWithoutValue } from "../../meta/invalid_without_value.ts";

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];
const operators = ["In", "NotIn"];
const statuses = ["False", "True", "Unknown"];

/** Go's %q of a list of strings. */
const quoted = (values: readonly string[]) => `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;

export function podFailurePolicyErrors(spec: JobSpec, path: string): FieldError[] {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const errors: FieldError[] = [];
  if (rules.length > podFailureRulesMax) {
    errors.push(fieldError.tooMany(`${path}.rules`, rules.length, podFailureRulesMax));
  }
  const { containers = [], initContainers = [] } = spec.template.spec;
  const names = [...containers, ...initContainers].map(({ name }) => name);
  rules.forEach((rule, i) => errors.push(...ruleErrors(rule, `${path}.rules[${i}]`, { spec, names })));
  return errors;
}

function ruleErrors(
  rule: PodFailurePolicyRule,
  path: string,
  { spec, names }: { spec: JobSpec; names: readonly string[] },
): FieldError[] {
  const errors: FieldError[] = [];
  const { action, onExitCodes, onPodConditions = [] } = rule;
  if (!action) errors.push(fieldError.required(`${path}.action`, `valid values: ${quoted(actions)}`));
  else if (!actions.includes(action)) errors.push(fieldError.notSupported(`${path}.action`, action, actions));
  else if (action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    errors.push(fieldError.invalid(`${path}.action`, action, "requires the backoffLimitPerIndex to be set"));
  }
  if (onExitCodes !== undefined) errors.push(...exitCodeErrors(onExitCodes, `${path}.onExitCodes`, names));
  if (onPodConditions.length > 0) errors.push(...conditionErrors(onPodConditions, `${path}.onPodConditions`));
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    errors.push(invalidWithoutValue(path, "specifying both OnExitCodes and OnPodConditions is not supported"));
  }
  if (onExitCodes === undefined && onPodConditions.length === 0) {
    errors.push(invalidWithoutValue(path, "specifying one of OnExitCodes and OnPodConditions is required"));
  }
  return errors;
}

function conditionErrors(patterns: readonly PodFailurePolicyOnPodConditionsPattern[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (patterns.length > podFailureConditionsMax) {
    errors.push(fieldError.tooMany(path, patterns.length, podFailureConditionsMax));
  }
  patterns.forEach(({ type = "", status }, i) => {
    for (const message of isQualifiedName(type)) errors.push(fieldError.invalid(`${path}[${i}].type`, type, message));
    const at = `${path}[${i}].status`;
    if (!status) errors.push(fieldError.required(at, `valid values: ${quoted(statuses)}`));
    else if (!statuses.includes(status)) errors.push(fieldError.notSupported(at, status, statuses));
  });
  return errors;
}

function exitCodeErrors(
  { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  path: string,
  names: readonly string[],
): FieldError[] {
  const errors: FieldError[] = [];
  if (!operator) errors.push(fieldError.required(`${path}.operator`, `valid values: ${quoted(operators)}`));
  else if (!operators.includes(operator)) {
    errors.push(fieldError.notSupported(`${path}.operator`, operator, operators));
  }
  if (containerName !== undefined && !names.includes(containerName)) {
    const detail = "must be one of the container or initContainer names in the pod template";
    errors.push(fieldError.invalid(`${path}.containerName`, containerName, detail));
  }
  const at = `${path}.values`;
  if (values.length === 0) errors.push(fieldError.invalid(at, values, "at least one value is required"));
  if (values.length > podFailureExitCodesMax) {
    errors.push(fieldError.tooMany(at, values.length, podFailureExitCodesMax));
  }
  values.forEach((value, i) => {
    if (operator === "In" && value === 0) {
      errors.push(fieldError.invalid(`${at}[${i}]`, value, "must not be 0 for the In operator"));
    }
    if (values.indexOf(value) < i) errors.push(fieldError.duplicate(`${at}[${i}]`, value));
  });
  if (values.some((value, i) => i > 0 && values[i - 1]! > value)) {
    errors.push(fieldError.invalid(at, values, "must be ordered"));
  }
  return errors;
}
