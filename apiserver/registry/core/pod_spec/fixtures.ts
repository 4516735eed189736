/** What the tests of the pod spec share: a valid spec, changed in one place, and its errors as text. */
import type { Container, PodSpec, Volume } from "../../../../lib/types/core_v1.ts";
import { defaultPodSpec, validatePodSpec } from "./mod.ts";

/** Types are left out where a test gives what no valid object has. */
// deno-lint-ignore no-explicit-any
export type Loose = any;

export function makeSpec(changes: Loose = {}): PodSpec {
  const spec = structuredClone({ containers: [{ name: "web", image: "nginx:1.29" }], ...changes }) as PodSpec;
  defaultPodSpec(spec);
  return spec;
}

/** A spec of one container with these fields. */
export function withContainer(changes: Loose, pod: Loose = {}): PodSpec {
  return makeSpec({ containers: [{ name: "web", image: "nginx:1.29", ...changes } as Container], ...pod });
}

/** A spec with one volume. */
export function withVolume(source: Loose, pod: Loose = {}): PodSpec {
  return makeSpec({ volumes: [{ name: "data", ...source } as Volume], ...pod });
}

/** `field: message` for each error of a template's spec. */
export function errorsOf(spec: PodSpec, path = "spec.template.spec"): string[] {
  return validatePodSpec(spec, path, {}).map(({ field, message }) => `${field.replace(`${path}.`, "")}: ${message}`);
}
