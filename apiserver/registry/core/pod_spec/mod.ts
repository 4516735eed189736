/** The pod spec: defaults and validation, one file per noun, in Kubernetes' order. */
import type { FieldError } from "../../../../lib/status.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";

/** Sets what is absent to its default, in place. Idempotent. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
}

/** All errors of a spec at `path`, `spec.template.spec` (ValidatePodSpec). */
export function validatePodSpec(
  _spec: PodSpec,
  _path: string,
  _meta: { labels?: Record<string, string>; annotations?: Record<string, string> },
): FieldError[] {
  return [];
}
