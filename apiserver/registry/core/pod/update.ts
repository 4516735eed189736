/** What of a pod may change once it is there: nearly nothing (ValidatePodUpdate of pkg/apis/core/validation). */
import { clone, deepEqual } from "../../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, NodeAffinity, NodeSelectorTerm, Pod, PodSpec } from "../../../../lib/types/core_v1.ts";
import { inclusiveRangeError } from "../../../../lib/validation.ts";
import { diffText } from "../../meta/diff.ts";
import { validatePodAnnotationUpdates } from "./annotations.ts";

const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
];

const int32Max = 2 ** 31 - 1;

export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = validatePodAnnotationUpdates(pod, old);
  const [spec, was] = [pod.spec, old.spec];
  for (const name of ["containers", "initContainers"] as const) {
    // Nothing more can be compared sensibly.
    if ((spec[name] ?? []).length !== (was[name] ?? []).length) {
      return [...errors, fieldError.forbidden(`spec.${name}`, "pod updates may not add or remove containers")];
    }
  }
  const deadline = deadlineErrors(spec, was);
  errors.push(...deadline);
  if (deadline.length > 0 && spec.activeDeadlineSeconds !== undefined) return errors;
  errors.push(...tolerationErrors(spec, was), ...gateErrors(spec, was));
  if (deepEqual(spec, was)) return errors;
  const rest = clone(spec);
  keepUpdatable(rest, was);
  if ((was.schedulingGates ?? []).length > 0) errors.push(...keepNarrowed(rest, was));
  if (!deepEqual(rest, was)) {
    const what = `pod updates may not change fields other than ${updatable.join(",")}`;
    errors.push(fieldError.forbidden("spec", `${what}\n${diffText(was, rest, "spec")}`));
  }
  return errors;
}

/** It may be set where there was none, and become less. */
function deadlineErrors(spec: PodSpec, was: PodSpec): FieldError[] {
  const path = "spec.activeDeadlineSeconds";
  const [now, before] = [spec.activeDeadlineSeconds, was.activeDeadlineSeconds];
  if (now === undefined) {
    if (before === undefined) return [];
    return [fieldError.invalid(path, null, "must not update from a positive integer to nil value")];
  }
  if (now < 0 || now > int32Max) return [fieldError.invalid(path, now, inclusiveRangeError(0, int32Max))];
  if (before === undefined || before >= now) return [];
  return [fieldError.invalid(path, now, "must be less than or equal to previous value")];
}

function tolerationErrors(spec: PodSpec, was: PodSpec): FieldError[] {
  const now = spec.tolerations ?? [];
  for (const old of was.tolerations ?? []) {
    const kept = now.some((toleration) => deepEqual({ ...toleration, tolerationSeconds: old.tolerationSeconds }, old));
    if (kept) continue;
    const detail = "existing toleration can not be modified except its tolerationSeconds";
    return [fieldError.forbidden("spec.tolerations", detail)];
  }
  return [];
}

function gateErrors(spec: PodSpec, was: PodSpec): FieldError[] {
  const had = new Set((was.schedulingGates ?? []).map(({ name }) => name));
  return (spec.schedulingGates ?? []).flatMap(({ name }, i) =>
    had.has(name) ? [] : [fieldError.forbidden(
      `spec.schedulingGates[${i}].name`,
      `only deletion is allowed, but found new scheduling gate '${name}'`,
    )]
  );
}

/** Gives `rest` the old values of what may change; what is then left of a difference is refused. */
function keepUpdatable(rest: PodSpec, was: PodSpec): void {
  for (const name of ["containers", "initContainers"] as const) {
    rest[name]?.forEach((container: Container, i) => {
      const image = was[name]![i]!.image;
      if (image === undefined) delete container.image;
      else container.image = image;
    });
  }
  keep(rest, was, ["activeDeadlineSeconds", "schedulingGates", "tolerations"]);
  if ((was.terminationGracePeriodSeconds ?? 0) < 0 && rest.terminationGracePeriodSeconds === 1) {
    keep(rest, was, ["terminationGracePeriodSeconds"]);
  }
}

function keep(rest: PodSpec, was: PodSpec, names: readonly (keyof PodSpec)[]): void {
  for (const name of names) {
    if (was[name] === undefined) delete rest[name];
    else Object.assign(rest, { [name]: clone(was[name]) });
  }
}

/** While a pod waits at its gates, the nodes that it may go to may become fewer. */
function keepNarrowed(rest: PodSpec, was: PodSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (!deepEqual(rest.nodeSelector, was.nodeSelector)) {
    const lost = Object.entries(was.nodeSelector ?? {}).some(([key, value]) => rest.nodeSelector?.[key] !== value);
    const detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
    if (lost) errors.push(fieldError.invalid("spec.nodeSelector", rest.nodeSelector ?? {}, detail));
    keep(rest, was, ["nodeSelector"]);
  }
  const [now, before] = [rest.affinity?.nodeAffinity, was.affinity?.nodeAffinity];
  if (!deepEqual(now, before)) {
    errors.push(...affinityErrors(now, before));
    const { nodeAffinity: _, ...others } = rest.affinity ?? {};
    const affinity = before === undefined ? others : { ...others, nodeAffinity: clone(before) };
    if (was.affinity === undefined && Object.keys(affinity).length === 0) delete rest.affinity;
    else rest.affinity = affinity;
  }
  return errors;
}

function affinityErrors(now: NodeAffinity | undefined, before: NodeAffinity | undefined): FieldError[] {
  const path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
  const termsOf = (affinity: NodeAffinity | undefined) =>
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const [terms, oldTerms] = [termsOf(now), termsOf(before)];
  if (oldTerms.length === 0) return [];
  if (oldTerms.length !== terms.length) {
    const detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
    return [fieldError.invalid(path, terms, detail)];
  }
  return terms.flatMap((term, i) =>
    hasOnlyAdditions(term, oldTerms[i]!)
      ? []
      : [fieldError.invalid(`${path}[${i}]`, term, "only additions are allowed (no mutations or deletions)")]
  );
}

/** Requirements of one term must all hold: more of them mean fewer nodes. An empty term means none at all, and stays. */
function hasOnlyAdditions(term: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  const lists = ["matchExpressions", "matchFields"] as const;
  if (lists.every((name) => (old[name] ?? []).length === 0)) {
    return lists.every((name) => (term[name] ?? []).length === 0);
  }
  return lists.every((name) => {
    const had = old[name] ?? [];
    return deepEqual((term[name] ?? []).slice(0, had.length), had);
  });
}
