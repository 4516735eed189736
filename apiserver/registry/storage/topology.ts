/** Where a StorageClass may make volumes (pkg/apis/core/validation, ValidateTopologySelectorTerm). */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { TopologySelectorLabelRequirement, TopologySelectorTerm } from "../../../lib/types/core_v1.ts";
import { isQualifiedName } from "../../../lib/validation.ts";
import { invalids } from "../meta/messages.ts";

/** A term as what it allows: sorted values by key. */
type Allowed = Record<string, string[]>;

export function validateTopologies(terms: readonly TopologySelectorTerm[] | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  // Kubernetes starts with as many empty terms as there are terms: an empty one repeats all of them.
  const before: Allowed[] = (terms ?? []).map(() => ({}));
  (terms ?? []).forEach((term, i) => {
    const at = `${path}[${i}].matchLabelExpressions`;
    const expressions = term.matchLabelExpressions ?? [];
    const seen: Allowed = {};
    expressions.forEach((expression, j) => {
      const { key = "", values = [] } = expression;
      errors.push(...validateRequirement(expression, `${at}[${j}]`));
      if (Object.hasOwn(seen, key)) errors.push(fieldError.duplicate(`${at}[${j}].key`, key));
      seen[key] = [...new Set(values)].sort();
    });
    for (const other of before) if (deepEqual(other, seen)) errors.push(fieldError.duplicate(at, ""));
    before.push(seen);
  });
  return errors;
}

function validateRequirement(
  { key = "", values = [] }: Partial<TopologySelectorLabelRequirement>,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (values.length === 0) errors.push(fieldError.required(`${path}.values`));
  values.forEach((value, i) => {
    if (values.indexOf(value) < i) errors.push(fieldError.duplicate(`${path}.values[${i}]`, value));
  });
  return [...errors, ...invalids(`${path}.key`, key, isQualifiedName(key))];
}
