/**
 * The pod template that ReplicationControllers, Deployments, Jobs and the like carry: its defaults and what is wrong
 * with it. The spec itself is pod_spec/'s. Leaves out what each kind demands of its template (restartPolicy Always,
 * labels that match the selector).
 */
import type { FieldError } from "../../../lib/status.ts";
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { defaultPodSpec, validatePodSpec } from "./pod_spec/mod.ts";

/** Fills in the spec, in place. Idempotent. */
export function defaultPodTemplate(template: PodTemplateSpec): void {
  template.spec ??= { containers: [] };
  defaultPodSpec(template.spec);
}

/** All errors of a template at `path`, `spec.template` (ValidatePodTemplateSpec). */
export function validatePodTemplate(template: PodTemplateSpec, path: string): FieldError[] {
  return validatePodSpec(template.spec, `${path}.spec`, template.metadata ?? {});
}
