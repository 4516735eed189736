/** The labels by which a Job knows its pods: its uid, unless the user chooses (generateSelector of pkg/registry/batch/job). */
import { matchesLabels } from "../../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Job } from "../../../../lib/types/batch_v1.ts";
import { usableSelector } from "../../core/controlled_template.ts";

const uidLabel = "batch.kubernetes.io/controller-uid";
const nameLabel = "batch.kubernetes.io/job-name";
/** From before labels had prefixes. */
const legacyUidLabel = "controller-uid";
const legacyNameLabel = "job-name";

/** Labels that are there already are the user's; where they are wrong, validation says so. */
export function generateSelector({ metadata, spec }: Job): void {
  if (spec.manualSelector) return;
  const { name, uid } = metadata;
  const meta = spec.template.metadata ??= {};
  const generated = { [legacyNameLabel]: name, [nameLabel]: name, [legacyUidLabel]: uid, [uidLabel]: uid };
  meta.labels = { ...generated, ...meta.labels };
  spec.selector ??= {};
  spec.selector.matchLabels = { [uidLabel]: uid, ...spec.selector.matchLabels };
}

export function generatedSelectorErrors({ metadata, spec }: Job): FieldError[] {
  if (spec.manualSelector || spec.selector === undefined) return [];
  const { name, uid } = metadata;
  const wanted: [string, string][] = [
    [legacyUidLabel, uid],
    [legacyNameLabel, name],
    [uidLabel, uid],
    [nameLabel, name],
  ];
  const labels = spec.template.metadata?.labels ?? {};
  const errors = wanted.flatMap(([key, value]): FieldError[] => {
    const actual = labels[key];
    const path = `spec.template.metadata.labels[${key}]`;
    if (actual === undefined) return [fieldError.required(path, `must be '${value}'`)];
    return actual === value ? [] : [fieldError.invalid(path, labels, `must be '${value}'`)];
  });
  const selector = usableSelector(spec.selector);
  if (selector !== undefined && !matchesLabels(selector, Object.fromEntries(wanted))) {
    errors.push(fieldError.invalid("spec.selector", spec.selector, "`selector` not auto-generated"));
  }
  return errors;
}
