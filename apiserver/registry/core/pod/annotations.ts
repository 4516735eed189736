/** Annotations that mean something to the cluster (ValidatePodSpecificAnnotations and its updates). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Pod, PodSpec } from "../../../../lib/types/core_v1.ts";
import { validateProfileAnnotations } from "../pod_spec/profiles.ts";

/** Set by an agent on the API's image of a pod that comes from a file of the host. */
export const mirrorPodAnnotation = "kubernetes.io/config.mirror";
const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

type Annotations = Readonly<Record<string, string>> | undefined;

export const isMirrorPod = (pod: Pod): boolean => pod.metadata.annotations?.[mirrorPodAnnotation] !== undefined;

/** Also of the templates of pods. `path`: of the annotations. */
export function validatePodAnnotations(annotations: Annotations, spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (annotations?.[mirrorPodAnnotation] !== undefined && !spec.nodeName) {
    const value = annotations[mirrorPodAnnotation];
    const detail = "must set spec.nodeName if mirror pod annotation is set";
    errors.push(fieldError.invalid(`${path}[${mirrorPodAnnotation}]`, value, detail));
  }
  const cost = annotations?.[deletionCostAnnotation];
  if (cost !== undefined && !isInt32(cost)) {
    errors.push(fieldError.invalid(`${path}[${deletionCostAnnotation}]`, cost, "must be a 32bit integer"));
  }
  return [...errors, ...validateProfileAnnotations(annotations, spec, path)];
}

/** What the pod deletion cost may be: no leading `+` and no leading zeros. */
function isInt32(text: string): boolean {
  if (!/^(?:0|-?[1-9][0-9]{0,9})$/.test(text)) return false;
  const value = Number(text);
  return value >= -(2 ** 31) && value < 2 ** 31;
}

export function validatePodAnnotationUpdates(pod: Pod, old: Pod): FieldError[] {
  const path = "metadata.annotations";
  const [now, before] = [pod.metadata.annotations ?? {}, old.metadata.annotations ?? {}];
  const errors: FieldError[] = [];
  for (const [key, name] of watched([...Object.keys(before)])) {
    if (now[key] !== before[key]) {
      errors.push(fieldError.forbidden(`${path}[${key}]`, `may not remove or update ${name}`));
    }
  }
  for (const [key, name] of watched(Object.keys(now).filter((key) => before[key] === undefined))) {
    errors.push(fieldError.forbidden(`${path}[${key}]`, `may not add ${name}`));
  }
  return errors;
}

/** Keys that may not change, with their names for people. */
function* watched(keys: readonly string[]): Generator<[string, string]> {
  for (const key of keys) {
    if (key.startsWith(appArmorPrefix)) yield [key, "AppArmor annotations"];
    if (key === mirrorPodAnnotation) yield [key, "mirror pod annotation"];
  }
}
