/** What Go's `omitempty` leaves out: an empty text, a zero or false is the same as absence where a field is no pointer. */

/** Deletes those of the fields that are "", 0, false, or an empty list or map. */
export function omitEmpty<T extends object>(of: T, ...names: readonly (keyof T & string)[]): void {
  for (const name of names) if (name in of && isEmpty(of[name])) delete of[name];
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return !value;
  return Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0;
}
