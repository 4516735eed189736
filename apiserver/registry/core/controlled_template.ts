/** What a controller demands of its pod template, besides that it is right: its selector must find the pods made of it. */
import { type LabelSelector, matchesLabels, type Selector, selectorFrom } from "../../../lib/selector/mod.ts";
import { type FieldError, fieldError, StatusError } from "../../../lib/status.ts";
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { validatePodTemplate } from "./pod_template.ts";

/** Fills a spec up to its template, whatever was sent; the rest is validated then. */
export function fillTemplate(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const filled = template ?? { spec: { containers: [] } };
  filled.spec ??= { containers: [] };
  return filled;
}

/** Undefined when it can't be used; validateLabelSelector() says why. */
export function usableSelector(selector: LabelSelector | undefined): Selector | undefined {
  try {
    return selectorFrom(selector);
  } catch (error) {
    if (error instanceof StatusError) return undefined;
    throw error;
  }
}

/** True for a selector that names labels which the template does not have. One that selects everything is another error. */
export function mismatchErrors(template: PodTemplateSpec, selector: Selector, path: string): FieldError[] {
  const labels = template.metadata?.labels;
  if (matchesLabels(selector, labels)) return [];
  const detail = "`selector` does not match template `labels`";
  return [fieldError.invalid(`${path}.metadata.labels`, labels ?? null, detail)];
}

/** A template whose pods run until somebody deletes them. `kind`: of whose template it is, as its users are told. */
export function validateLastingTemplate(
  template: PodTemplateSpec,
  path: string,
  { selector, kind }: { selector: Selector; kind: string },
): FieldError[] {
  return [
    ...mismatchErrors(template, selector, path),
    ...validatePodTemplate(template, path),
    ...lastingErrors(template, path, kind),
  ];
}

export function lastingErrors({ spec }: PodTemplateSpec, path: string, kind: string): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.restartPolicy !== "Always") {
    errors.push(fieldError.notSupported(`${path}.spec.restartPolicy`, spec.restartPolicy ?? "", ["Always"]));
  }
  if (spec.activeDeadlineSeconds !== undefined) {
    const detail = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(fieldError.forbidden(`${path}.spec.activeDeadlineSeconds`, detail));
  }
  return errors;
}
