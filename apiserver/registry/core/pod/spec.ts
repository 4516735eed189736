/** Defaults and checks of a pod as a whole; those of its spec are pod_spec/'s. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Pod } from "../../../../lib/types/core_v1.ts";
import { defaultPodSpec, defaultSpecOfPod, validatePodSpec } from "../pod_spec/mod.ts";
import { validateProfilesMatch } from "../pod_spec/profiles.ts";
import { validatePodAnnotations } from "./annotations.ts";
import { alignPodIps } from "./status.ts";

/** Changes the pod. Idempotent. */
export function defaultPod(pod: Pod): void {
  pod.spec ??= { containers: [] };
  pod.spec.containers ??= [];
  defaultPodSpec(pod.spec);
  defaultSpecOfPod(pod.spec);
  if (pod.status !== undefined) alignPodIps(pod.status);
}

/** What is wrong with a pod at any time (validatePodMetadataAndSpec). */
export function validatePod({ metadata, spec }: Pod): FieldError[] {
  return [
    ...validatePodAnnotations(metadata.annotations, spec, "metadata.annotations"),
    ...validatePodSpec(spec, "spec", metadata),
    ...tokenErrors({ spec }),
    ...imageErrors({ spec }),
  ];
}

/** What is wrong with a new pod besides (ValidatePodCreate). */
export function validateNewPod({ metadata, spec }: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if ((spec.ephemeralContainers ?? []).length > 0) {
    errors.push(fieldError.forbidden("spec.ephemeralContainers", "cannot be set on create"));
  }
  if ((spec.schedulingGates ?? []).length > 0 && spec.nodeName) {
    errors.push(fieldError.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return [...errors, ...validateProfilesMatch(metadata.annotations, spec, "spec")];
}

/** A projected token is a service account's. */
function tokenErrors({ spec }: Pick<Pod, "spec">): FieldError[] {
  if (spec.serviceAccountName) return [];
  const errors: FieldError[] = [];
  (spec.volumes ?? []).forEach(({ projected }, i) => {
    (projected?.sources ?? []).forEach((source, j) => {
      if (source.serviceAccountToken === undefined) return;
      const path = `spec.volumes[${i}].projected.sources[${j}].serviceAccountToken`;
      errors.push(fieldError.forbidden(path, "must not be specified when serviceAccountName is not set"));
    });
  });
  return errors;
}

/** Templates may have spaces around an image's name, for old times' sake; pods may not. */
function imageErrors({ spec }: Pick<Pod, "spec">): FieldError[] {
  return (["containers", "initContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap(({ image = "" }, i) =>
      image === image.trim()
        ? []
        : [fieldError.invalid(`spec.${list}[${i}].image`, image, "must not have leading or trailing whitespace")]
    )
  );
}
