/**
 * Label selectors: the text of `?labelSelector=` and the LabelSelector of objects, parsed to one form, matched and
 * written back (k8s.io/apimachinery/pkg/labels). Leaves out field selectors (fields.ts).
 */
import { type FieldError, fieldError, statusError } from "../status.ts";
import { isQualifiedName, isValidLabelValue } from "../validation.ts";
import { Lexer, type Token } from "./lexer.ts";

export type Operator = "in" | "notin" | "=" | "==" | "!=" | "exists" | "!" | "gt" | "lt";

export interface Requirement {
  readonly key: string;
  readonly operator: Operator;
  /** Sorted, without repetition. */
  readonly values: readonly string[];
}

/** All of the requirements must hold. `nothing` matches no object at all (a missing LabelSelector). */
export interface Selector {
  readonly requirements: readonly Requirement[];
  readonly nothing?: boolean;
}

/** meta/v1 LabelSelector. */
export interface LabelSelector {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

type Labels = Readonly<Record<string, string>>;

export const everything: Selector = { requirements: [] };
export const nothing: Selector = { requirements: [], nothing: true };

const binaryOperators = ["in", "notin", "=", "==", "!=", "gt", "lt"];
const operatorOf: Partial<Record<Token, Operator>> = {
  in: "in",
  notin: "notin",
  "=": "=",
  "==": "==",
  "!=": "!=",
  ">": "gt",
  "<": "lt",
};

/** Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1`. Throws BadRequest in Kubernetes' words. */
export function parseLabelSelector(text: string): Selector {
  if (text === "") return everything;
  try {
    return { requirements: new Parser(text).parse() };
  } catch (error) {
    if (error instanceof SelectorError) throw statusError("BadRequest", error.message);
    throw error;
  }
}

class SelectorError extends Error {}

class Parser {
  readonly #lexer: Lexer;
  constructor(text: string) {
    this.#lexer = new Lexer(text);
  }

  parse(): Requirement[] {
    const requirements: Requirement[] = [];
    for (;;) {
      const { token, text } = this.#lexer.peek("values");
      if (token === "end") return sorted(requirements);
      if (token !== "word" && token !== "!") {
        throw new SelectorError(`found '${text}', expected: !, identifier, or 'end of string'`);
      }
      requirements.push(this.#requirement());
      const after = this.#lexer.next("values");
      if (after.token === "end") return sorted(requirements);
      if (after.token !== ",") {
        throw new SelectorError(`found '${after.text}', expected: ',' or 'end of string'`);
      }
      const next = this.#lexer.peek("values");
      if (next.token !== "word" && next.token !== "!") {
        throw new SelectorError(`found '${next.text}', expected: identifier after ','`);
      }
    }
  }

  #requirement(): Requirement {
    try {
      const { key, operator } = this.#key();
      if (operator !== undefined) return requirement(key, operator, []);
      const op = this.#operator();
      const values = op === "in" || op === "notin" ? this.#values() : this.#value();
      return requirement(key, op, values);
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      throw new SelectorError(`unable to parse requirement: ${error.message}`);
    }
  }

  #key(): { key: string; operator: Operator | undefined } {
    let item = this.#lexer.next("values");
    const negated = item.token === "!";
    if (negated) item = this.#lexer.next("values");
    if (item.token !== "word") throw new SelectorError(`found '${item.text}', expected: identifier`);
    checkKey(item.text, "<nil>");
    const { token } = this.#lexer.peek("values");
    if (negated) return { key: item.text, operator: "!" };
    return { key: item.text, operator: token === "end" || token === "," ? "exists" : undefined };
  }

  #operator(): Operator {
    const { token, text } = this.#lexer.next("operators");
    const operator = operatorOf[token];
    if (operator === undefined) throw new SelectorError(`found '${text}', expected: ${binaryOperators.join(", ")}`);
    return operator;
  }

  #value(): string[] {
    const { token } = this.#lexer.peek("values");
    if (token === "end" || token === ",") return [""];
    const item = this.#lexer.next("values");
    if (item.token === "word") return [item.text];
    throw new SelectorError(`found '${item.text}', expected: identifier`);
  }

  #values(): string[] {
    const open = this.#lexer.next("values");
    if (open.token !== "(") throw new SelectorError(`found '${open.text}' expected: '('`);
    const { token, text } = this.#lexer.peek("values");
    if (token === ")") {
      this.#lexer.next("values");
      return [""];
    }
    if (token !== "word" && token !== ",") {
      throw new SelectorError(`found '${text}', expected: ',', ')' or identifier`);
    }
    const values = this.#list();
    const close = this.#lexer.next("values");
    if (close.token !== ")") throw new SelectorError(`found '${close.text}', expected: ')'`);
    return [...values];
  }

  #list(): Set<string> {
    const values = new Set<string>();
    for (;;) {
      const { token, text } = this.#lexer.next("values");
      if (token === "word") {
        values.add(text);
        const after = this.#lexer.peek("values");
        if (after.token === ")") return values;
        if (after.token !== ",") throw new SelectorError(`found '${after.text}', expected: ',' or ')'`);
      } else if (token === ",") {
        if (values.size === 0) values.add("");
        const after = this.#lexer.peek("values");
        if (after.token === ")") {
          values.add("");
          return values;
        }
        if (after.token === ",") {
          this.#lexer.next("values");
          values.add("");
        }
      } else throw new SelectorError(`found '${text}', expected: ',', or identifier`);
    }
  }
}

const sorted = (requirements: Requirement[]) => requirements.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

function checkKey(key: string, path: string): void {
  const errors = isQualifiedName(key);
  if (errors.length > 0) {
    throw new SelectorError(`${path}: ${fieldError.invalid(path, key, errors.join("; ")).message}`);
  }
}

/** A requirement with what Kubernetes' NewRequirement checks. */
function requirement(key: string, operator: Operator, given: readonly string[]): Requirement {
  checkKey(key, "key");
  const values = [...new Set(given)].sort();
  const wrong = (detail: string) =>
    new SelectorError(`values: ${fieldError.invalid("values", values, detail).message}`);
  switch (operator) {
    case "in":
    case "notin":
      if (values.length === 0) throw wrong("for 'in', 'notin' operators, values set can't be empty");
      break;
    case "=":
    case "==":
    case "!=":
      if (values.length !== 1) throw wrong("exact-match compatibility requires one single value");
      break;
    case "exists":
    case "!":
      if (values.length !== 0) throw wrong("values set must be empty for exists and does not exist");
      break;
    case "gt":
    case "lt":
      if (values.length !== 1) throw wrong("for 'Gt', 'Lt' operators, exactly one value is required");
      if (!isInteger(values[0]!)) {
        const message =
          fieldError.invalid("", values[0], "for 'Gt', 'Lt' operators, the value must be an integer").message;
        throw new SelectorError(`values[0]: ${message}`);
      }
      break;
  }
  values.forEach((value, i) => {
    const errors = isValidLabelValue(value);
    if (errors.length === 0) return;
    throw new SelectorError(`values[${i}][${key}]: ${fieldError.invalid("", value, errors.join("; ")).message}`);
  });
  return { key, operator, values };
}

/** What strconv.ParseInt(value, 10, 64) accepts. */
function isInteger(value: string): boolean {
  if (!/^[-+]?[0-9]{1,30}$/.test(value)) return false;
  return BigInt.asIntN(64, BigInt(value.replace("+", ""))) === BigInt(value.replace("+", ""));
}

/** Whether labels (absent ones count as none) meet the selector. */
export function matchesLabels(selector: Selector, labels: Labels | undefined): boolean {
  if (selector.nothing) return false;
  for (const requirement of selector.requirements) if (!meets(requirement, labels)) return false;
  return true;
}

function meets({ key, operator, values }: Requirement, labels: Labels | undefined): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "in":
    case "=":
    case "==":
      return value !== undefined && values.includes(value);
    case "notin":
    case "!=":
      return value === undefined || !values.includes(value);
    case "exists":
      return value !== undefined;
    case "!":
      return value === undefined;
    case "gt":
    case "lt": {
      if (value === undefined || !isInteger(value)) return false;
      const [a, b] = [BigInt(value.replace("+", "")), BigInt(values[0]!.replace("+", ""))];
      return operator === "gt" ? a > b : a < b;
    }
  }
}

/** The canonical text: `a=b,c in (x,y),!d`. */
export function selectorString(selector: Selector): string {
  return selector.requirements.map(({ key, operator, values }) => {
    switch (operator) {
      case "exists":
        return key;
      case "!":
        return `!${key}`;
      case "in":
      case "notin":
        return `${key} ${operator} (${values.join(",")})`;
      case "gt":
        return `${key}>${values[0]}`;
      case "lt":
        return `${key}<${values[0]}`;
      default:
        return `${key}${operator}${values[0]}`;
    }
  }).join(",");
}

const expressionOperators: Record<string, Operator> = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" };

/**
 * The selector of an object: none at all selects nothing, an empty one everything. Validated objects never throw;
 * for others the error is a BadRequest.
 */
export function selectorFrom(selector: LabelSelector | undefined): Selector {
  if (selector === undefined || selector === null) return nothing;
  const requirements: Requirement[] = [];
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) {
    requirements.push({ key, operator: "=", values: [value] });
  }
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const op = Object.hasOwn(expressionOperators, operator) ? expressionOperators[operator]! : undefined;
    if (op === undefined) {
      throw statusError("BadRequest", `${JSON.stringify(operator)} is not a valid label selector operator`);
    }
    try {
      requirements.push(requirement(key, op, values ?? []));
    } catch (error) {
      if (error instanceof SelectorError) throw statusError("BadRequest", error.message);
      throw error;
    }
  }
  return { requirements: sorted(requirements) };
}

/** The selector of a plain map (Service, ReplicationController, nodeSelector). An empty or absent map selects everything. */
export function selectorFromMap(labels: Labels | undefined): Selector {
  const requirements = Object.entries(labels ?? {}).map(([key, value]): Requirement => ({
    key,
    operator: "=",
    values: [value],
  }));
  return { requirements: sorted(requirements) };
}

export interface ValidateOptions {
  /** Existing objects may keep values that are no valid label values: they simply never match. */
  allowInvalidLabelValue?: boolean;
}

/** Field errors of labels, at one path as Kubernetes reports them. */
export function validateLabels(labels: Labels | undefined, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels ?? {})) {
    for (const message of isQualifiedName(key)) errors.push(fieldError.invalid(path, key, message));
    for (const message of isValidLabelValue(value)) errors.push(fieldError.invalid(path, value, message));
  }
  return errors;
}

/** Field errors of a LabelSelector in an object (metav1validation.ValidateLabelSelector). */
export function validateLabelSelector(
  selector: LabelSelector | undefined,
  path: string,
  options: ValidateOptions = {},
): FieldError[] {
  if (selector === undefined || selector === null) return [];
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`);
  (selector.matchExpressions ?? []).forEach((expression, i) => {
    const at = `${path}.matchExpressions[${i}]`;
    const values = expression.values ?? [];
    switch (expression.operator) {
      case "In":
      case "NotIn":
        if (values.length === 0) {
          errors.push(fieldError.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        break;
      case "Exists":
      case "DoesNotExist":
        if (values.length > 0) {
          const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
          errors.push(fieldError.forbidden(`${at}.values`, detail));
        }
        break;
      default:
        errors.push(fieldError.invalid(`${at}.operator`, expression.operator, "not a valid selector operator"));
    }
    for (const message of isQualifiedName(expression.key ?? "")) {
      errors.push(fieldError.invalid(`${at}.key`, expression.key ?? "", message));
    }
    if (options.allowInvalidLabelValue) return;
    values.forEach((value, j) => {
      for (const message of isValidLabelValue(value)) {
        errors.push(fieldError.invalid(`${at}.values[${j}]`, value, message));
      }
    });
  });
  return errors;
}
