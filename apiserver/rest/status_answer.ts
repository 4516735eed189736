/** Any thrown thing as a `kind: Status` answer. The one place that knows which error is whose fault. */
import { getLogger } from "log";
import { stringify } from "yaml";
import { encodeProtobuf } from "../../lib/schema/protobuf_encode.ts";
import { definition } from "../../lib/schema/schema.ts";
import { StatusError, statusError } from "../../lib/status.ts";
import { Expired, NotReached } from "../cache/cache.ts";
import { ClaimTaken, OutcomeUnknown, StoreUnavailable, Unreadable, WriteConflict } from "../storage/store.ts";
import { MethodNotAllowed } from "./allowed.ts";
import { errorForm, mediaTypes } from "./negotiate.ts";
import { warningHeaders } from "./warnings.ts";

const logger = getLogger(["sauropod", "rest"]);

/** What the client is told. What is no expected failure is logged with its stack and answered as InternalError. */
export function toStatusError(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof Expired) return tooOld(error.asked, error.oldest);
  if (error instanceof NotReached) return tooLarge(error.asked, error.current);
  if (error instanceof OutcomeUnknown) {
    return statusError("Timeout", `the write may or may not have happened, read before trying again: ${error.message}`);
  }
  if (error instanceof StoreUnavailable) {
    return statusError("ServiceUnavailable", error.message, { retryAfterSeconds: 1 });
  }
  if (error instanceof ClaimTaken) return statusError("Forbidden", error.message);
  if (error instanceof WriteConflict) return statusError("Conflict", error.message);
  if (error instanceof Unreadable) {
    return statusError("InternalError", `Internal error occurred: ${error.message}`, {
      causes: [{ message: error.message }],
    });
  }
  const stack = error instanceof Error ? error.stack ?? error.message : String(error);
  logger.error("a request failed unexpectedly: {stack}", { stack });
  return statusError("InternalError", `Internal error occurred: ${error instanceof Error ? error.message : error}`, {
    causes: [{ message: error instanceof Error ? error.message : String(error) }],
  });
}

/** 410: the history no longer goes back that far. */
export function tooOld(asked: number, oldest: number): StatusError {
  return statusError("Expired", `too old resource version: ${asked} (${oldest})`);
}

/** 504: a revision that is not there yet; reflectors know this cause and start over. */
export function tooLarge(asked: number, current: number): StatusError {
  return statusError("Timeout", `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

/** The answer to a failed request, in a form that it accepts, or else as JSON. */
export function errorResponse(
  error: unknown,
  { warnings = [], request }: { warnings?: readonly string[]; request?: Request } = {},
): Response {
  const failure = toStatusError(error);
  const { status, code } = failure;
  const { format, pretty } = request === undefined ? { format: "json" as const, pretty: false } : errorForm(request);
  const headers = warningHeaders(warnings);
  headers.set("content-type", mediaTypes[format]);
  headers.set("cache-control", "no-cache, private");
  const retry = status.details?.retryAfterSeconds;
  if (retry !== undefined) headers.set("retry-after", String(retry));
  if (failure instanceof MethodNotAllowed) headers.set("allow", failure.methods.join(", "));
  const body = format === "protobuf"
    ? encodeProtobuf(status, definition("io.k8s.apimachinery.pkg.apis.meta.v1.Status"))
    : format === "yaml"
    ? stringify(status)
    : JSON.stringify(status, null, pretty ? 2 : undefined) + "\n";
  return new Response(body, { status: code, headers });
}

/** The answer to a request that did what it should and has no object to show. */
export function successStatus(details?: { name: string; group?: string; kind: string; uid?: string }) {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    ...(details === undefined ? {} : { details: { ...details, group: details.group || undefined } }),
  };
}
