/** Errors as the API says them: a `kind: Status` with a reason, a code and causes. */
import type { Status as StatusObject, StatusCause } from "./types/meta_v1.ts";

export type Status = StatusObject;

/** Reasons and their HTTP codes (k8s.io/apimachinery/pkg/apis/meta/v1, StatusReason). */
export const statusCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  Gone: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  ServerTimeout: 504,
  Timeout: 504,
} as const;

export type Reason = keyof typeof statusCodes;

export interface Details {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** An answer that is an error. Thrown by the client with what the server said, and by the server to say it. */
export class StatusError extends Error {
  override name = "StatusError";
  constructor(readonly status: Status) {
    super(status.message ?? status.reason ?? "unknown error");
  }
  get code(): number {
    return this.status.code ?? 500;
  }
  get reason(): Reason | undefined {
    return this.status.reason as Reason | undefined;
  }
}

/** A StatusError with the code of its reason. `code` overrides it where Kubernetes does. */
export function statusError(
  reason: Reason,
  message: string,
  details?: Details,
  code: number = statusCodes[reason],
): StatusError {
  return new StatusError({
    kind: "Status",
    apiVersion: "v1" as Status["apiVersion"],
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details: details as Status["details"] }),
    code,
  });
}

/** True for a StatusError of one of these reasons. */
export function isReason(error: unknown, ...reasons: Reason[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.reason as Reason);
}

/** One thing that is wrong with a field, in the words of k8s.io/apimachinery/pkg/util/validation/field. */
export interface FieldError {
  reason:
    | "FieldValueInvalid"
    | "FieldValueRequired"
    | "FieldValueDuplicate"
    | "FieldValueNotFound"
    | "FieldValueNotSupported"
    | "FieldValueForbidden"
    | "FieldValueTooLong"
    | "FieldValueTooMany"
    | "FieldValueTypeInvalid"
    | "InternalError";
  /** `spec.template.spec.containers[0].image` */
  field: string;
  /** Complete: `Invalid value: "x": must be no more than 63 characters`. */
  message: string;
}

const show = (value: unknown) => typeof value === "string" ? JSON.stringify(value) : JSON.stringify(value) ?? "null";

/** Makers of FieldErrors, with Kubernetes' wording. */
export const fieldError = {
  required: (field: string, detail = ""): FieldError => ({
    reason: "FieldValueRequired",
    field,
    message: detail === "" ? "Required value" : `Required value: ${detail}`,
  }),
  invalid: (field: string, value: unknown, detail: string): FieldError => ({
    reason: "FieldValueInvalid",
    field,
    message: `Invalid value: ${show(value)}: ${detail}`,
  }),
  duplicate: (field: string, value: unknown): FieldError => ({
    reason: "FieldValueDuplicate",
    field,
    message: `Duplicate value: ${show(value)}`,
  }),
  notFound: (field: string, value: unknown): FieldError => ({
    reason: "FieldValueNotFound",
    field,
    message: `Not found: ${show(value)}`,
  }),
  notSupported: (field: string, value: unknown, supported: readonly string[]): FieldError => ({
    reason: "FieldValueNotSupported",
    field,
    message: `Unsupported value: ${show(value)}: supported values: ${
      supported.map((s) => JSON.stringify(s)).join(", ")
    }`,
  }),
  forbidden: (field: string, detail: string): FieldError => ({
    reason: "FieldValueForbidden",
    field,
    message: `Forbidden: ${detail}`,
  }),
  tooLong: (field: string, max: number): FieldError => ({
    reason: "FieldValueTooLong",
    field,
    message: `Too long: may not be more than ${max} bytes`,
  }),
  tooMany: (field: string, actual: number, max: number): FieldError => ({
    reason: "FieldValueTooMany",
    field,
    message: `Too many: ${actual}: must have at most ${max} items`,
  }),
  typeInvalid: (field: string, value: unknown, detail: string): FieldError => ({
    reason: "FieldValueTypeInvalid",
    field,
    message: `Invalid value: ${show(value)}: ${detail}`,
  }),
};

/** 422 with all errors: `Deployment.apps "web" is invalid: [spec.x: …, spec.y: …]`. */
export function invalid(
  kind: { group: string; kind: string },
  name: string,
  errors: readonly FieldError[],
): StatusError {
  const lines = errors.map((e) => `${e.field}: ${e.message}`);
  const what = lines.length === 1 ? lines[0]! : `[${lines.join(", ")}]`;
  const qualified = kind.group === "" ? kind.kind : `${kind.kind}.${kind.group}`;
  return statusError("Invalid", `${qualified} ${JSON.stringify(name)} is invalid: ${what}`, {
    name,
    group: kind.group === "" ? undefined : kind.group,
    kind: kind.kind,
    causes: errors.map(({ reason, message, field }) => ({ reason, message, field })),
  });
}

/** `pods "web" not found`, `deployments.apps "web" not found`. */
export function qualified(resource: { group: string; plural: string }): string {
  return resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`;
}

export function notFound(resource: { group: string; plural: string }, name: string): StatusError {
  return statusError("NotFound", `${qualified(resource)} ${JSON.stringify(name)} not found`, {
    name,
    group: resource.group === "" ? undefined : resource.group,
    kind: resource.plural,
  });
}
