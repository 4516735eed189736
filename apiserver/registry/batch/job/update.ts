/** What of a Job may change (ValidateJobSpecUpdate). A suspended one may still be told where its pods shall run. */
import { clone, deepEqual } from "../../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Job, JobSpec } from "../../../../lib/types/batch_v1.ts";
import type { PodTemplateSpec } from "../../../../lib/types/core_v1.ts";
import { immutable } from "../../meta/immutable.ts";
import { hasCondition } from "./condition.ts";

const fixed = [
  "completionMode",
  "podFailurePolicy",
  "backoffLimitPerIndex",
  "managedBy",
  "successPolicy",
] as const;

export function validateJobUpdate({ spec }: Job, old: Job): FieldError[] {
  return [
    ...completionErrors(spec, old.spec),
    ...immutable(spec.selector, old.spec.selector, "spec.selector"),
    ...templateErrors(spec, old),
    ...fixed.flatMap((name) => immutable(spec[name], old.spec[name], `spec.${name}`)),
  ];
}

/** An Indexed Job is scaled by changing completions and parallelism together. */
function completionErrors(spec: JobSpec, old: JobSpec): FieldError[] {
  const path = "spec.completions";
  if (spec.completionMode !== "Indexed") return immutable(spec.completions, old.completions, path);
  if (spec.completions === undefined || spec.completions === old.completions) return [];
  if (spec.completions === spec.parallelism) return [];
  return [fieldError.invalid(path, spec.completions, "can only be modified in tandem with spec.parallelism")];
}

function templateErrors({ template }: JobSpec, old: Job): FieldError[] {
  const { suspend } = old.spec;
  const idle = old.status.startTime === undefined ||
    (hasCondition(old, "Suspended") && (old.status.active ?? 0) === 0);
  if (!suspend || !idle) return immutable(template, old.spec.template, "spec.template");
  const allowed = clone(old.spec.template);
  takePlacement(allowed, template);
  takeResources(allowed, template);
  return immutable(template, allowed, "spec.template");
}

/** Gives `to` what says where pods shall run. */
function takePlacement(to: PodTemplateSpec, from: PodTemplateSpec): void {
  const { nodeAffinity: _, ...others } = to.spec.affinity ?? {};
  const wanted = from.spec.affinity?.nodeAffinity;
  const affinity = wanted === undefined ? others : { ...others, nodeAffinity: wanted };
  const gone = from.spec.affinity === undefined && Object.keys(affinity).length === 0;
  if (gone || (to.spec.affinity === undefined && from.spec.affinity === undefined)) delete to.spec.affinity;
  else to.spec.affinity = affinity;
  take(to.spec, from.spec, ["nodeSelector", "tolerations", "schedulingGates"]);
  const meta = { ...to.metadata };
  take(meta, from.metadata ?? {}, ["annotations", "labels"]);
  if (Object.keys(meta).length > 0 || from.metadata !== undefined) to.metadata = meta;
}

/** And what its containers need. */
function takeResources(to: PodTemplateSpec, from: PodTemplateSpec): void {
  for (const list of ["containers", "initContainers"] as const) {
    const [old, now] = [to.spec[list] ?? [], from.spec[list] ?? []];
    if (old.length !== now.length) continue;
    old.forEach((container, i) => {
      if (container.name === now[i]!.name) take(container, now[i]!, ["resources"]);
    });
  }
}

function take<T extends object>(to: T, from: T, names: readonly (keyof T)[]): void {
  for (const name of names) {
    if (from[name] === undefined) delete to[name];
    else if (!deepEqual(to[name], from[name])) to[name] = clone(from[name]);
  }
}
