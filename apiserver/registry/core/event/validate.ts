/**
 * What is demanded of an Event, in its stored form, core/v1 (pkg/apis/core/validation/events.go): little of those that
 * come through core/v1, more of those that say when they happened, everything of new ones of events.k8s.io/v1.
 */
import { deepEqual } from "../../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Event } from "../../../../lib/types/core_v1.ts";
import { isQualifiedName, utf8Length } from "../../../../lib/validation.ts";
import { immutable } from "../../meta/immutable.ts";

const fieldBytesMax = 128;
const messageBytesMax = 1024;
const mismatch = "does not match event.namespace";

/** legacyValidateEvent, which holds in every version. */
export function validateEvent(event: Event): FieldError[] {
  const { namespace: about = "" } = event.involvedObject;
  const { namespace } = event.metadata;
  const path = "involvedObject.namespace";
  if (!event.eventTime) {
    const agrees = about === "" ? namespace === "default" : namespace === about;
    return agrees ? [] : [fieldError.invalid(path, about, mismatch)];
  }
  const errors: FieldError[] = [];
  if (about === "" && namespace !== "default" && namespace !== "kube-system") {
    errors.push(fieldError.invalid(path, about, mismatch));
  }
  const { reportingComponent = "", reportingInstance, action, reason, message } = event;
  if (reportingComponent === "") errors.push(fieldError.required("reportingController"));
  for (const detail of isQualifiedName(reportingComponent)) {
    errors.push(fieldError.invalid("reportingController", reportingComponent, detail));
  }
  errors.push(
    ...requiredText(reportingInstance, "reportingInstance"),
    ...requiredText(action, "action"),
    ...requiredText(reason, "reason"),
    ...shortText(message, "message", messageBytesMax),
  );
  return errors;
}

function requiredText(text: string | undefined, path: string): FieldError[] {
  return text ? shortText(text, path, fieldBytesMax) : [fieldError.required(path)];
}

function shortText(text: string | undefined, path: string, max: number): FieldError[] {
  if (utf8Length(text ?? "") <= max) return [];
  return [fieldError.invalid(path, "", `can have at most ${max} characters`)];
}

/** Of a new Event of events.k8s.io/v1, besides validateEvent(). */
export function validateNewEvent(event: Event): FieldError[] {
  const errors = validateSeries(event);
  if (!event.eventTime) errors.push(fieldError.required("eventTime"));
  if (event.type !== "Normal" && event.type !== "Warning") {
    errors.push(fieldError.invalid("type", "", `has invalid value: ${event.type ?? ""}`));
  }
  for (const name of ["firstTimestamp", "lastTimestamp", "count"] as const) {
    if (event[name]) errors.push(fieldError.invalid(name, "", "needs to be unset"));
  }
  if (event.source?.component || event.source?.host) errors.push(fieldError.invalid("source", "", "needs to be unset"));
  return errors;
}

function validateSeries({ series }: Event): FieldError[] {
  if (series === undefined) return [];
  const errors: FieldError[] = [];
  if ((series.count ?? 0) < 2) errors.push(fieldError.invalid("series.count", "", "should be at least 2"));
  if (!series.lastObservedTime) errors.push(fieldError.required("series.lastObservedTime"));
  return errors;
}

/** Of an Event that is changed through events.k8s.io/v1: only its series may. */
export function validateEventUpdate(event: Event, old: Event): FieldError[] {
  const errors = deepEqual(event.series ?? null, old.series ?? null) ? [] : validateSeries(event);
  const fields: [keyof Event, string][] = [
    ["involvedObject", "involvedObject"],
    ["reason", "reason"],
    ["message", "message"],
    ["source", "source"],
    ["firstTimestamp", "firstTimestamp"],
    ["lastTimestamp", "lastTimestamp"],
    ["count", "count"],
    ["reason", "reason"],
    ["type", "type"],
    ["eventTime", "eventTime"],
    ["action", "action"],
    ["related", "related"],
    ["reportingComponent", "reportingController"],
    ["reportingInstance", "reportingInstance"],
  ];
  for (const [name, path] of fields) errors.push(...immutable(event[name], old[name], path));
  return errors;
}
