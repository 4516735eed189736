/** Event, core/v1: what happened to an object and why. Also the form in which events.k8s.io/v1 is stored. */
import type { Event } from "../../../lib/types/core_v1.ts";
import { Event as kind } from "../../../lib/types/kinds.ts";
import { isValidPathSegmentName } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { omitEmpty } from "../meta/omit_empty.ts";
import { eventColumns } from "./event/columns.ts";
import { aboutFields, reasonField, reporterField, sourceField, typeField } from "./event/fields.ts";
import { validateEvent } from "./event/validate.ts";

/** Go writes these even when they are empty. */
export function defaultEvent(event: Event): void {
  event.involvedObject ??= {};
  event.source ??= {};
  event.reportingComponent ??= "";
  event.reportingInstance ??= "";
  omitEmpty(event, "eventTime", "firstTimestamp", "lastTimestamp", "count", "reason", "message", "type", "action");
}

// Names of old Events are whatever their senders made up.
export const event: Resource<Event> = defineResource<Event>(kind, {
  definition: "io.k8s.api.core.v1.Event",
  shortNames: ["ev"],
  history: "event",
  createOnUpdate: true,
  dependents: "unsupported",
  defaults: defaultEvent,
  validate: validateEvent,
  columns: eventColumns,
  fields: {
    ...aboutFields("involvedObject"),
    reason: reasonField,
    reportingComponent: reporterField,
    source: sourceField,
    type: typeField,
  },
}, isValidPathSegmentName);
