/** Names of time zones, `Europe/Berlin` (validateTimeZone of pkg/apis/batch/validation). */
import { type FieldError, fieldError } from "../../../lib/status.ts";

export function timeZoneErrors(zone: string | undefined, path: string): FieldError[] {
  if (zone === undefined) return [];
  if (zone === "") return [fieldError.invalid(path, zone, "timeZone must be nil or non-empty string")];
  const unknown = [fieldError.invalid(path, zone, `unknown time zone ${zone}`)];
  for (const part of zone.split("/")) {
    if (part === "." || part === ".." || !/^[A-Za-z._0-9+][-A-Za-z._0-9+]{0,13}$/.test(part)) return unknown;
  }
  if (zone.toLowerCase() === "local") {
    const detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
    return [fieldError.invalid(path, zone, detail)];
  }
  return isKnown(zone) ? [] : unknown;
}

function isKnown(zone: string): boolean {
  // Intl also takes offsets (`+01`), which are no names.
  if (/^[-+0-9]/.test(zone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: zone });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
