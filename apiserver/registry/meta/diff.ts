/** What differs between two JSON values, one line a field, for error messages that people read. */
import { diffLinesMax, diffValueCharactersMax } from "../../../lib/limits.ts";
import { deepEqual, isObject } from "../../../lib/patch/equal.ts";

/** Lines `  spec.hostname: "a" -> "b"`, in the order of the fields; what is not there is `<absent>`. */
export function diffText(old: unknown, value: unknown, path: string): string {
  const lines: string[] = [];
  collect(old, value, path, lines);
  const shown = lines.slice(0, diffLinesMax);
  if (lines.length > diffLinesMax) shown.push(`  … and ${lines.length - diffLinesMax} more`);
  return shown.join("\n");
}

function collect(old: unknown, value: unknown, path: string, lines: string[]): void {
  if (deepEqual(old, value)) return;
  if (isObject(old) && isObject(value)) {
    for (const key of [...new Set([...Object.keys(old), ...Object.keys(value)])].sort()) {
      collect(old[key], value[key], `${path}.${key}`, lines);
    }
  } else if (Array.isArray(old) && Array.isArray(value)) {
    for (let i = 0; i < Math.max(old.length, value.length); i++) collect(old[i], value[i], `${path}[${i}]`, lines);
  } else lines.push(`  ${path}: ${show(old)} -> ${show(value)}`);
}

function show(value: unknown): string {
  if (value === undefined) return "<absent>";
  const text = JSON.stringify(value);
  return text.length > diffValueCharactersMax ? `${text.slice(0, diffValueCharactersMax)}…` : text;
}
