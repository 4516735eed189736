/** What field selectors may ask of an Event, in the form of core/v1. */
import type { Event } from "../../../../lib/types/core_v1.ts";

const parts = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"] as const;

type Field = (event: Event) => string;

/** `involvedObject.kind` and so on; `of` is `involvedObject` or, in events.k8s.io, `regarding`. */
export function aboutFields(of: string): Record<string, Field> {
  return Object.fromEntries(parts.map((part) => [`${of}.${part}`, (event: Event) => event.involvedObject[part] ?? ""]));
}

export const reasonField: Field = (event) => event.reason ?? "";
export const typeField: Field = (event) => event.type ?? "";
export const reporterField: Field = (event) => event.reportingComponent ?? "";
export const sourceField: Field = (event) => event.source?.component || reporterField(event);
