/** Taints that a pod puts up with. What a toleration tolerates is lib/tolerations.ts'. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Toleration } from "../../../../lib/types/core_v1.ts";
import { emptyError, isValidLabelValue } from "../../../../lib/validation.ts";
import { checkQualifiedName, checkSupported } from "./checks.ts";

export function validateTolerations(tolerations: readonly Toleration[] | undefined, path: string): FieldError[] {
  return (tolerations ?? []).flatMap((toleration, i) => validateToleration(toleration, `${path}[${i}]`));
}

function validateToleration(toleration: Toleration, path: string): FieldError[] {
  const { key, effect, tolerationSeconds } = toleration;
  const operator = toleration.operator ?? "";
  const errors = key ? checkQualifiedName(key, `${path}.key`) : [];
  if (!key && operator !== "Exists") {
    const detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
    errors.push(fieldError.invalid(`${path}.operator`, operator, detail));
  }
  if (tolerationSeconds !== undefined && effect !== "NoExecute") {
    const detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
    errors.push(fieldError.invalid(`${path}.effect`, effect ?? "", detail));
  }
  errors.push(...validateValue(operator, toleration.value ?? "", path));
  if (effect) errors.push(...checkSupported(effect, `${path}.effect`, ["NoSchedule", "PreferNoSchedule", "NoExecute"]));
  return errors;
}

/** No operator is Equal. */
function validateValue(operator: string, value: string, path: string): FieldError[] {
  switch (operator) {
    case "":
    case "Equal": {
      const wrong = isValidLabelValue(value);
      return wrong.length === 0 ? [] : [fieldError.invalid(`${path}.operator`, value, wrong.join(";"))];
    }
    case "Exists":
      if (value === "") return [];
      return [fieldError.invalid(`${path}.operator`, value, "value must be empty when `operator` is 'Exists'")];
    case "Lt":
    case "Gt":
      return validateInteger(value, `${path}.value`);
    default:
      return [fieldError.notSupported(`${path}.operator`, operator, ["Equal", "Exists"])];
  }
}

const integer = /^(?:0|-?[1-9][0-9]*)$/;
const integerError = "must be a valid decimal integer in canonical form";

function validateInteger(value: string, path: string): FieldError[] {
  const errors = integer.test(value) ? [] : [fieldError.invalid(path, value, value === "" ? emptyError : integerError)];
  const wrong = parseError(value);
  if (wrong !== undefined) errors.push(fieldError.invalid(path, value, wrong));
  return errors;
}

/** strconv.ParseInt's, for 64 bits. */
function parseError(value: string): string | undefined {
  const shown = JSON.stringify(value);
  if (!/^[+-]?[0-9]+$/.test(value)) return `strconv.ParseInt: parsing ${shown}: invalid syntax`;
  if (value.replace(/^[+-]?0*/, "").length > 19 || BigInt.asIntN(64, BigInt(value)) !== BigInt(value)) {
    return `strconv.ParseInt: parsing ${shown}: value out of range`;
  }
  return undefined;
}
