/** Warnings about what makes pods: a Deployment, a Job and the like (WarningsOnCreate and WarningsOnUpdate of each). */
import type { KubeObject } from "../../../../lib/kind.ts";
import type { PodTemplateSpec } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Label } from "../../../../lib/validation.ts";
import { podSpecWarnings } from "./warnings.ts";

/** A name that pods are named after. */
export function podNameWarnings(name: string): string[] {
  const messages = isDNS1123Label(name);
  if (messages.length === 0) return [];
  const what = "this is used in Pod names and hostnames, which can result in surprising behavior; " +
    "a DNS label is recommended";
  return [`metadata.name: ${what}: [${messages.join(" ")}]`];
}

/** Of a new object, and of one whose spec is new. `path`: of the template. */
export function workloadWarnings<T extends KubeObject>(
  object: T,
  old: T | undefined,
  templateOf: (object: T) => PodTemplateSpec | undefined,
  path = "spec.template",
): string[] {
  if (old !== undefined && old.metadata.generation === object.metadata.generation) return [];
  const template = templateOf(object);
  const about = template === undefined ? [] : podSpecWarnings(template.spec, `${path}.spec`);
  return old === undefined ? [...podNameWarnings(object.metadata.name), ...about] : about;
}
