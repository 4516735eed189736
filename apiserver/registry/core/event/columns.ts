/** The columns of Events, in the form of core/v1 (printEvent). */
import type { Event } from "../../../../lib/types/core_v1.ts";
import type { Column } from "../../../rest/resource.ts";
import { ageOf } from "../../meta/columns.ts";

function firstSeen(event: Event, now: number): string {
  return ageOf(event.firstTimestamp || event.eventTime, now);
}

function lastSeen(event: Event, now: number): string {
  if (event.series !== undefined) return ageOf(event.series.lastObservedTime, now);
  return event.lastTimestamp ? ageOf(event.lastTimestamp, now) : firstSeen(event, now);
}

function target({ involvedObject: { kind = "", name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase();
}

function source(event: Event): string {
  const component = event.source?.component || event.reportingComponent || "";
  const instance = event.source?.host || event.reportingInstance || "";
  return instance === "" ? component : `${component}, ${instance}`;
}

export const eventColumns: readonly Column<Event>[] = [
  { name: "Last Seen", type: "string", value: lastSeen },
  { name: "Type", type: "string", value: (event) => event.type ?? "" },
  { name: "Reason", type: "string", value: (event) => event.reason ?? "" },
  { name: "Object", type: "string", value: target },
  { name: "Subobject", type: "string", priority: 1, value: (event) => event.involvedObject.fieldPath ?? "" },
  { name: "Source", type: "string", priority: 1, value: source },
  { name: "Message", type: "string", value: (event) => (event.message ?? "").trim() },
  { name: "First Seen", type: "string", priority: 1, value: firstSeen },
  // A single Event of the new API has no count.
  { name: "Count", type: "string", priority: 1, value: (event) => (event.series?.count ?? event.count) || 1 },
  { name: "Name", type: "string", format: "name", priority: 1, value: (event) => event.metadata.name },
];
