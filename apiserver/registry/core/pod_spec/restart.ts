/**
 * When containers are started again: the pod's restartPolicy, containers' own and their rules, and whether a resize
 * restarts them. The action RestartAllContainers is refused: Kubernetes has it behind a feature gate.
 */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, ContainerRestartRule } from "../../../../lib/types/core_v1.ts";
import { checkRequiredEnum, checkSupported } from "./checks.ts";

/** Kubernetes' own limits of one container's rules, and of one rule's exit codes. */
const rulesMax = 20;
const exitCodesMax = 255;

export function validateRestartPolicy(policy: string | undefined, path: string): FieldError[] {
  return checkRequiredEnum(policy, path, ["Always", "OnFailure", "Never"]);
}

/** A container's own policy and rules; `path` is the container's. */
export function validateContainerRestart(container: Container, path: string): FieldError[] {
  const { restartPolicy, restartPolicyRules: rules = [] } = container;
  if (restartPolicy === undefined && rules.length === 0) return [];
  const errors = restartPolicy === undefined
    ? [fieldError.required(`${path}.restartPolicy`, "must specify restartPolicy when restart rules are used")]
    : checkSupported(restartPolicy, `${path}.restartPolicy`, ["Always", "Never", "OnFailure"]);
  const at = `${path}.restartPolicyRules`;
  if (rules.length > rulesMax) errors.push(fieldError.tooMany(at, rules.length, rulesMax));
  return [...errors, ...rules.flatMap((rule, i) => validateRule(rule, `${at}[${i}]`))];
}

/** The same of an init container: one that is always restarted is a sidecar, which no rule can stop. */
export function validateInitContainerRestart(container: Container, path: string): FieldError[] {
  const rules = container.restartPolicyRules ?? [];
  if (container.restartPolicy !== "Always") return validateContainerRestart(container, path);
  if (rules.length === 0) return [];
  const detail = "restartPolicyRules are not allowed for init containers with restart policy Always";
  return [fieldError.forbidden(`${path}.restartPolicyRules`, detail)];
}

function validateRule({ action, exitCodes }: ContainerRestartRule, path: string): FieldError[] {
  const errors = checkSupported(action, `${path}.action`, ["Restart"]);
  const at = `${path}.exitCodes`;
  if (exitCodes === undefined) return [...errors, fieldError.required(at, "must be specified")];
  errors.push(...checkSupported(exitCodes.operator, `${at}.operator`, ["In", "NotIn"]));
  const count = exitCodes.values?.length ?? 0;
  if (count > exitCodesMax) errors.push(fieldError.tooMany(`${at}.values`, count, exitCodesMax));
  return errors;
}

/** Whether a change of resources restarts the container. Kubernetes reports most of it at the list. */
export function validateResizePolicy(
  policies: Container["resizePolicy"],
  podRestartPolicy: string | undefined,
  path: string,
): FieldError[] {
  const seen = new Set<string>();
  return (policies ?? []).flatMap(({ resourceName, restartPolicy }, i) => {
    const errors = seen.has(resourceName) ? [fieldError.duplicate(`${path}[${i}]`, resourceName)] : [];
    seen.add(resourceName);
    errors.push(...checkRequiredEnum(resourceName, path, ["cpu", "memory"]));
    errors.push(...checkRequiredEnum(restartPolicy, path, ["NotRequired", "RestartContainer"]));
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") {
      const detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
      errors.push(fieldError.invalid(path, restartPolicy ?? "", detail));
    }
    return errors;
  });
}
