/** Event, events.k8s.io/v1: the same objects as those of core/v1, with other names for some fields and stricter rules. */
import type { KubeObject } from "../../../lib/kind.ts";
import type { Event as CoreEvent } from "../../../lib/types/core_v1.ts";
import type { Event } from "../../../lib/types/events_v1.ts";
import { EventsEvent as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { type Column, defineResource, type Resource } from "../../rest/resource.ts";
import { defaultEvent, event as coreEvent } from "../core/event.ts";
import { eventColumns } from "../core/event/columns.ts";
import { aboutFields, reasonField, reporterField, typeField } from "../core/event/fields.ts";
import { validateEvent, validateEventUpdate, validateNewEvent } from "../core/event/validate.ts";

/** Our name of a field, and that of core/v1; what is not here has the same name in both. */
const renamed: readonly (readonly [string, string])[] = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
];
const toCore = new Map(renamed);
const fromCore = new Map(renamed.map(([ours, core]) => [core, ours]));

function rename(object: object, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const entries = Object.entries(object).map(([name, value]) => [names.get(name) ?? name, value]);
  return { ...Object.fromEntries(entries), apiVersion } as KubeObject;
}

function toStored(event: Event): CoreEvent {
  const stored = rename(event, toCore, "v1") as CoreEvent;
  defaultEvent(stored);
  return stored;
}

function fromStored(stored: KubeObject): Event {
  return rename(stored, fromCore, "events.k8s.io/v1") as unknown as Event;
}

type Field = (event: CoreEvent) => string;
const asCore = (field: Field) => (event: Event) => field(toStored(event));
const fields = {
  ...aboutFields("regarding"),
  reason: reasonField,
  reportingController: reporterField,
  type: typeField,
};

export const event: Resource<Event> = defineResource<Event>(kind, {
  definition: "io.k8s.api.events.v1.Event",
  shortNames: coreEvent.shortNames,
  storage: coreEvent.storage,
  convert: { toStored, fromStored },
  history: "event",
  createOnUpdate: true,
  dependents: "unsupported",
  defaults(object) {
    const defaulted = fromStored(toStored(object));
    for (const name of Object.keys(object)) if (!(name in defaulted)) delete object[name as keyof Event];
    Object.assign(object, defaulted);
  },
  validate: (object) => validateEvent(toStored(object)),
  validateCreate: (object) => validateNewEvent(toStored(object)),
  validateUpdate: (object, old) => validateEventUpdate(toStored(object), toStored(old)),
  columns: eventColumns.map((column): Column<Event> => ({
    ...column,
    value: (object, now) => column.value(toStored(object), now),
  })),
  fields: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, asCore(field)])),
}, isDNS1123Subdomain);
