/**
 * Field selectors: `?fieldSelector=metadata.name=x,spec.nodeName!=y` (k8s.io/apimachinery/pkg/fields). Which fields a
 * kind can be selected by is its own business: it gives a getter. Leaves out label selectors (labels.ts).
 */
import { statusError } from "../status.ts";

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

/** All of the requirements must hold. */
export type FieldSelector = readonly FieldRequirement[];

/** The field's text in an object: `""` when it is unset. */
export type FieldGetter<T> = (object: T) => string;

/** Parses `a=b,c!=d,e==f`; `\\`, `\,` and `\=` in values are escapes. Throws BadRequest in Kubernetes' words. */
export function parseFieldSelector(text: string): FieldSelector {
  const requirements: FieldRequirement[] = [];
  for (const term of splitTerms(text)) {
    if (term === "") continue;
    requirements.push(parseTerm(term, text));
  }
  return requirements;
}

/** Splits at commas that no backslash precedes. */
function splitTerms(text: string): string[] {
  const terms: string[] = [];
  let start = 0;
  let escaped = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (escaped) escaped = false;
    else if (c === "\\") escaped = true;
    else if (c === ",") {
      terms.push(text.slice(start, i));
      start = i + 1;
    }
  }
  terms.push(text.slice(start));
  return terms;
}

function parseTerm(term: string, selector: string): FieldRequirement {
  for (let i = 0; i < term.length; i++) {
    for (const operator of ["!=", "==", "="] as const) {
      if (!term.startsWith(operator, i)) continue;
      const value = unescape(term.slice(i + operator.length));
      return { field: term.slice(0, i), operator: operator === "!=" ? "!=" : "=", value };
    }
  }
  throw statusError("BadRequest", `invalid selector: '${selector}'; can't understand '${term}'`);
}

function unescape(text: string): string {
  if (!/[\\,=]/.test(text)) return text;
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === "\\") {
      const next = text[++i];
      if (next === undefined) throw statusError("BadRequest", `invalid field selector: invalid escape sequence: \\`);
      if (next !== "\\" && next !== "," && next !== "=") {
        throw statusError("BadRequest", `invalid field selector: invalid escape sequence: \\${next}`);
      }
      out += next;
    } else if (c === "=" || c === ",") {
      throw statusError("BadRequest", `invalid field selector: unescaped character in ${JSON.stringify(text)}: ${c}`);
    } else out += c;
  }
  return out;
}

/** Refuses fields that the kind cannot be selected by. `getters` has all that it can. */
export function checkFieldSelector<T>(
  selector: FieldSelector,
  getters: Readonly<Record<string, FieldGetter<T>>>,
): void {
  for (const { field } of selector) {
    if (!Object.hasOwn(getters, field)) throw statusError("BadRequest", `field label not supported: ${field}`);
  }
}

/** Whether an object meets the selector. A field without a getter is a BadRequest. */
export function matchesFields<T>(
  selector: FieldSelector,
  getters: Readonly<Record<string, FieldGetter<T>>>,
  object: T,
): boolean {
  for (const { field, operator, value } of selector) {
    if (!Object.hasOwn(getters, field)) throw statusError("BadRequest", `field label not supported: ${field}`);
    const equal = (getters[field]!(object) ?? "") === value;
    if (equal !== (operator === "=")) return false;
  }
  return true;
}

/** The value that the selector demands of a field (`metadata.name=x` → `x`), if it demands one. */
export function requiredFieldValue(selector: FieldSelector, field: string): string | undefined {
  return selector.find((r) => r.field === field && r.operator === "=")?.value;
}

export function fieldSelectorString(selector: FieldSelector): string {
  const escape = (value: string) => value.replaceAll(/[\\,=]/g, (c) => `\\${c}`);
  return selector.map(({ field, operator, value }) => `${field}${operator}${escape(value)}`).join(",");
}
