/** The columns that nearly every kind has, and times as `kubectl get` shows them (pkg/printers/internalversion). */
import { humanDuration } from "../../../lib/duration.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import type { Column } from "../../rest/resource.ts";

/** `5m`, `3d4h`: the time since an RFC 3339 time, `<unknown>` when there is none (translateTimestampSince). `now` in ms. */
export function ageOf(time: string | undefined, now: number): string {
  return time === undefined || time === "" ? "<unknown>" : humanDuration(now - Date.parse(time));
}

export const nameColumn: Column<KubeObject> = {
  name: "Name",
  type: "string",
  format: "name",
  value: (object) => object.metadata.name,
};

export const ageColumn: Column<KubeObject> = {
  name: "Age",
  type: "string",
  value: (object, now) => ageOf(object.metadata.creationTimestamp, now),
};
