/**
 * The pod template that ReplicationControllers, Deployments, Jobs and the like carry: its defaults and what is wrong
 * with it. The spec itself is pod_spec/'s. Leaves out what each kind demands of its template (restartPolicy Always,
 * labels that match the selector).
 */
import { validateLabels } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { validateAnnotations } from "../meta/annotations.ts";
import { validatePodAnnotations } from "./pod/annotations.ts";
import { defaultPodSpec, validatePodSpec } from "./pod_spec/mod.ts";
import { validateProfilesMatch } from "./pod_spec/profiles.ts";

/** Fills in the spec, in place. Idempotent. */
export function defaultPodTemplate(template: PodTemplateSpec): void {
  template.metadata ??= {};
  template.spec ??= { containers: [] };
  defaultPodSpec(template.spec);
}

/** All errors of a template at `path`, `spec.template` (ValidatePodTemplateSpec). Kubernetes leaves `metadata` out of paths. */
export function validatePodTemplate({ metadata = {}, spec }: PodTemplateSpec, path: string): FieldError[] {
  const { labels, annotations } = metadata;
  const errors = [
    ...validateLabels(labels, `${path}.labels`),
    ...validateAnnotations(annotations, `${path}.annotations`),
    ...validatePodAnnotations(annotations, spec, `${path}.annotations`),
    ...validatePodSpec(spec, `${path}.spec`, metadata),
    ...validateProfilesMatch(annotations, spec, `${path}.spec`),
  ];
  if ((spec.ephemeralContainers ?? []).length > 0) {
    const detail = "ephemeral containers not allowed in pod template";
    errors.push(fieldError.forbidden(`${path}.spec.ephemeralContainers`, detail));
  }
  return errors;
}
