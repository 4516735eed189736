/** What a ReplicaSet and a Deployment have in common: a selector, and a template that it must match. */
import { type LabelSelector, nothing, type Selector, validateLabelSelector } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { fillTemplate, usableSelector, validateLastingTemplate } from "../core/controlled_template.ts";

interface Replicated {
  selector?: LabelSelector;
  template?: PodTemplateSpec;
}

/** Of a stored object, which was validated. */
export const selectorOf = ({ selector }: Replicated): Selector => usableSelector(selector) ?? nothing;

/** Errors of a selector that must be there and name something. `kind`: in lower case, as its users are told. */
export function selectorErrors(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (selector === undefined) return [fieldError.required("spec.selector")];
  const errors = validateLabelSelector(selector, "spec.selector");
  const named = Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length;
  if (named === 0) errors.push(fieldError.invalid("spec.selector", selector, `empty selector is invalid for ${kind}`));
  return errors;
}

/** Kubernetes says `deployment` and `ReplicaSet` of both. */
export function validateReplicated(spec: Replicated): FieldError[] {
  const errors = selectorErrors(spec.selector, "deployment");
  const selector = usableSelector(spec.selector);
  if (selector === undefined) {
    return [...errors, fieldError.invalid("spec.selector", spec.selector, "invalid label selector")];
  }
  const template = fillTemplate(spec.template);
  return [...errors, ...validateLastingTemplate(template, "spec.template", { selector, kind: "ReplicaSet" })];
}
