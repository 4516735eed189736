/** How fast a HorizontalPodAutoscaler scales: defaults and rules (pkg/apis/autoscaling/v2/defaults.go, validation). */
import { parseQuantity } from "../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  HorizontalPodAutoscalerBehavior,
  HPAScalingPolicy,
  HPAScalingRules,
} from "../../../lib/types/autoscaling_v2.ts";

const periodSecondsMax = 1800;
const stabilizationSecondsMax = 3600;
const selectPolicies = ["Disabled", "Max", "Min"];
const policyTypes = ["Percent", "Pods"];

const scaleUp: HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: "Max",
  policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, { type: "Percent", value: 100, periodSeconds: 15 }],
};
/** Without a window: scaling down waits as long as the controller is told to. */
const scaleDown: HPAScalingRules = {
  selectPolicy: "Max",
  policies: [{ type: "Percent", value: 100, periodSeconds: 15 }],
};

/** Where one direction is spoken of, both are complete. */
export function defaultBehavior(behavior: HorizontalPodAutoscalerBehavior | undefined): void {
  if (behavior === undefined) return;
  behavior.scaleUp = { ...structuredClone(scaleUp), ...behavior.scaleUp };
  behavior.scaleDown = { ...structuredClone(scaleDown), ...behavior.scaleDown };
}

export function validateBehavior(behavior: HorizontalPodAutoscalerBehavior | undefined, path: string): FieldError[] {
  return [
    ...validateRules(behavior?.scaleUp, `${path}.scaleUp`),
    ...validateRules(behavior?.scaleDown, `${path}.scaleDown`),
  ];
}

function validateRules(rules: HPAScalingRules | undefined, path: string): FieldError[] {
  if (rules === undefined) return [];
  const errors: FieldError[] = [];
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies = [], tolerance } = rules;
  const wrongSeconds = (detail: string) =>
    errors.push(fieldError.invalid(`${path}.stabilizationWindowSeconds`, seconds, detail));
  if (seconds !== undefined && seconds < 0) wrongSeconds("must be greater than or equal to zero");
  if (seconds !== undefined && seconds > stabilizationSecondsMax) {
    wrongSeconds(`must be less than or equal to ${stabilizationSecondsMax}`);
  }
  if (selectPolicy !== undefined && !selectPolicies.includes(selectPolicy)) {
    errors.push(fieldError.notSupported(`${path}.selectPolicy`, selectPolicy, selectPolicies));
  }
  if (policies.length === 0) {
    errors.push(fieldError.required(`${path}.policies`, "must specify at least one Policy"));
  }
  policies.forEach((policy, i) => errors.push(...validatePolicy(policy, `${path}.policies[${i}]`)));
  if (tolerance !== undefined && parseQuantity(tolerance).nano < 0n) {
    errors.push(fieldError.invalid(`${path}.tolerance`, tolerance, "must be greater than or equal to 0"));
  }
  return errors;
}

function validatePolicy(policy: HPAScalingPolicy, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = "", value = 0, periodSeconds = 0 } = policy;
  if (!policyTypes.includes(type)) errors.push(fieldError.notSupported(`${path}.type`, type, policyTypes));
  if (value <= 0) errors.push(fieldError.invalid(`${path}.value`, value, "must be greater than zero"));
  const wrongPeriod = (detail: string) =>
    errors.push(fieldError.invalid(`${path}.periodSeconds`, periodSeconds, detail));
  if (periodSeconds <= 0) wrongPeriod("must be greater than zero");
  if (periodSeconds > periodSecondsMax) wrongPeriod(`must be less than or equal to ${periodSecondsMax}`);
  return errors;
}
