/** Which nodes: terms over the labels and the names of nodes. Also used by volumes. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PreferredSchedulingTerm,
} from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain, isValidLabelValue } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkQualifiedName } from "./checks.ts";

export function validateNodeSelector(selector: NodeSelector, path: string): FieldError[] {
  const terms = selector.nodeSelectorTerms ?? [];
  const at = `${path}.nodeSelectorTerms`;
  if (terms.length === 0) return [fieldError.required(at, "must have at least one node selector term")];
  return terms.flatMap((term, i) => validateTerm(term, { values: "labels" }, `${at}[${i}]`));
}

/** Preferences may name values that no label can have: they are never met, and nothing depends on it. */
export function validatePreferredTerms(
  terms: readonly PreferredSchedulingTerm[] | undefined,
  path: string,
): FieldError[] {
  return (terms ?? []).flatMap(({ weight, preference }, i) => {
    const at = `${path}[${i}]`;
    return [
      ...validateWeight(weight, `${at}.weight`),
      ...validateTerm(preference ?? {}, { values: "any" }, `${at}.preference`),
    ];
  });
}

export function validateWeight(weight: number | undefined, path: string): FieldError[] {
  const given = weight ?? 0;
  return given > 0 && given <= 100 ? [] : [fieldError.invalid(path, given, "must be in the range 1-100")];
}

interface TermContext {
  values: "labels" | "any";
}

function validateTerm(term: NodeSelectorTerm, context: TermContext, path: string): FieldError[] {
  return [
    ...(term.matchExpressions ?? []).flatMap((requirement, i) =>
      validateRequirement(requirement, context, `${path}.matchExpressions[${i}]`)
    ),
    ...(term.matchFields ?? []).flatMap((requirement, i) =>
      validateFieldRequirement(requirement, `${path}.matchFields[${i}]`)
    ),
  ];
}

function validateRequirement(
  { key = "", operator, values = [] }: NodeSelectorRequirement,
  context: TermContext,
  path: string,
): FieldError[] {
  const errors = [...validateOperator(operator, values.length, path), ...checkQualifiedName(key, `${path}.key`)];
  if (context.values === "any") return errors;
  return [
    ...errors,
    ...values.flatMap((value, i) => invalids(`${path}.values[${i}]`, value, isValidLabelValue(value))),
  ];
}

function validateOperator(operator: string | undefined, count: number, path: string): FieldError[] {
  const values = `${path}.values`;
  switch (operator) {
    case "In":
    case "NotIn":
      if (count > 0) return [];
      return [fieldError.required(values, "must be specified when `operator` is 'In' or 'NotIn'")];
    case "Exists":
    case "DoesNotExist":
      if (count === 0) return [];
      return [fieldError.forbidden(values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")];
    case "Gt":
    case "Lt":
      if (count === 1) return [];
      return [fieldError.required(values, "must be specified single value when `operator` is 'Lt' or 'Gt'")];
    default:
      return [fieldError.invalid(`${path}.operator`, operator ?? "", "not a valid selector operator")];
  }
}

/** Nodes have one field to select by: their name. */
function validateFieldRequirement(
  { key = "", operator, values = [] }: NodeSelectorRequirement,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  if (operator !== "In" && operator !== "NotIn") {
    errors.push(fieldError.invalid(`${path}.operator`, operator ?? "", "not a valid selector operator"));
  } else if (values.length !== 1) {
    const detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
    errors.push(fieldError.required(`${path}.values`, detail));
  }
  if (key !== "metadata.name") {
    return [...errors, fieldError.invalid(`${path}.key`, key, "not a valid field selector key")];
  }
  return [
    ...errors,
    ...values.flatMap((value, i) => invalids(`${path}.values[${i}]`, value, isDNS1123Subdomain(value))),
  ];
}
