/** The query of `pods/log` (v1.PodLogOptions), looked at before a node is asked (ValidatePodLogOptions). */
import { normalizeTime, TimeError } from "../../../../lib/schema/time.ts";
import { type FieldError, fieldError, invalid, statusError } from "../../../../lib/status.ts";
import { nonNegative } from "../../meta/non_negative.ts";

const streams = ["All", "Stderr", "Stdout"];
const positiveMessage = "must be greater than 0";

/** Throws Invalid with all that is wrong, and BadRequest for what is no number or time. */
export function checkLogOptions(query: URLSearchParams, pod: string): void {
  const tailLines = integer(query, "tailLines");
  const limitBytes = integer(query, "limitBytes");
  const sinceSeconds = integer(query, "sinceSeconds");
  const sinceTime = time(query, "sinceTime");
  const errors: FieldError[] = nonNegative(tailLines, "tailLines");
  if (limitBytes !== undefined && limitBytes < 1) {
    errors.push(fieldError.invalid("limitBytes", limitBytes, positiveMessage));
  }
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    errors.push(fieldError.forbidden("", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    errors.push(fieldError.invalid("sinceSeconds", sinceSeconds, positiveMessage));
  }
  const stream = query.get("stream") || "All";
  if (!streams.includes(stream)) errors.push(fieldError.notSupported("stream", stream, streams));
  else if (stream !== "All" && tailLines !== undefined) {
    errors.push(fieldError.forbidden("tailLines", "`tailLines` and specific `stream` are mutually exclusive for now"));
  }
  if (errors.length > 0) throw invalid({ group: "", kind: "PodLogOptions" }, pod, errors);
}

function integer(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (!text) return undefined;
  if (!/^[-+]?[0-9]{1,18}$/.test(text)) {
    throw statusError("BadRequest", `${name}: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  return Number(text);
}

function time(query: URLSearchParams, name: string): string | undefined {
  const text = query.get(name);
  if (!text || text === "null") return undefined;
  try {
    return normalizeTime(text);
  } catch (error) {
    if (error instanceof TimeError) throw statusError("BadRequest", `${name}: ${error.message}`);
    throw error;
  }
}
