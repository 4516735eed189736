/**
 * JSON texts from outside: parsed, with their depth limited and repeated keys found. The parsing is JSON.parse's; one
 * pass over the text counts its keys, and only when there are more than the parsed value has are they looked for by name.
 */
import { jsonDepthMax, strictProblemsMax } from "../limits.ts";
import { setKey } from "../patch/equal.ts";

/** The text is no JSON, or too deep. */
export class JsonError extends Error {
  override name = "JsonError";
}

export interface ParsedJson {
  readonly value: unknown;
  /** Paths of keys that an object has twice: `spec.replicas`, `spec.containers[0].name`. The last value counts. */
  readonly duplicates: readonly string[];
}

/** Parses a JSON text. Throws JsonError. */
export function parseJson(text: string): ParsedJson {
  const keys = scan(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonError(text.trim() === "" ? "unexpected end of JSON input" : (error as Error).message);
  }
  const duplicates = countKeys(value) === keys ? [] : findDuplicates(text);
  return { value: mayBeIllFormed(text) ? wellFormed(value) : value, duplicates };
}

/** Whether the text names halves of surrogate pairs. */
export const mayBeIllFormed = (text: string): boolean => /\\u[dD][89a-fA-F]/.test(text);

/** The value with every half of a pair that stands alone replaced, as Go does: in UTF-8 there is no such character. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== "object" || value === null) return value;
  const made: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) setKey(made, key.toWellFormed(), wellFormed(member));
  return made;
}

const quote = 34, backslash = 92, colon = 58, openBrace = 123, closeBrace = 125, openBracket = 91, closeBracket = 93;

/** How many keys the text's objects have, repeated ones included. Throws when it is nested too deeply. */
function scan(text: string): number {
  let keys = 0;
  let depth = 0;
  const { length } = text;
  for (let i = 0; i < length; i++) {
    switch (text.charCodeAt(i)) {
      case quote:
        for (i++; i < length; i++) {
          const c = text.charCodeAt(i);
          if (c === quote) break;
          if (c === backslash) i++;
        }
        break;
      // Outside of strings a colon stands after a key and nowhere else; JSON.parse refuses every other one.
      case colon:
        keys++;
        break;
      case openBrace:
      case openBracket:
        if (++depth > jsonDepthMax) throw new JsonError(`exceeded max depth of ${jsonDepthMax}`);
        break;
      case closeBrace:
      case closeBracket:
        depth--;
        break;
    }
  }
  return keys;
}

function countKeys(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i];
      if (typeof item === "object") count += countKeys(item);
    }
    return count;
  }
  for (const key in value) {
    count++;
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === "object") count += countKeys(item);
  }
  return count;
}

interface Frame {
  /** Keys of an object; undefined for an array. */
  readonly seen: Set<string> | undefined;
  readonly path: string;
  index: number;
  key: string;
}

const pathOf = (frame: Frame) =>
  frame.seen === undefined
    ? `${frame.path}[${frame.index}]`
    : frame.path === ""
    ? frame.key
    : `${frame.path}.${frame.key}`;

/** The slow way, taken only for texts that are known to repeat a key: walks the (valid) text with a stack of open objects. */
function findDuplicates(text: string): string[] {
  const found = new Set<string>();
  const stack: Frame[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i++) {
    const top = stack.at(-1);
    const c = text.charCodeAt(i);
    if (c === quote) {
      const start = i;
      for (i++; text.charCodeAt(i) !== quote; i++) if (text.charCodeAt(i) === backslash) i++;
      if (!expectKey || top?.seen === undefined) continue;
      top.key = JSON.parse(text.slice(start, i + 1));
      if (top.seen.has(top.key)) found.add(pathOf(top));
      top.seen.add(top.key);
      expectKey = false;
    } else if (c === openBrace || c === openBracket) {
      const path = top === undefined ? "" : pathOf(top);
      stack.push({ seen: c === openBrace ? new Set() : undefined, path, index: 0, key: "" });
      expectKey = c === openBrace;
    } else if (c === closeBrace || c === closeBracket) {
      stack.pop();
      expectKey = false;
    } else if (c === 44 && top !== undefined) {
      if (top.seen === undefined) top.index++;
      else expectKey = true;
    }
    if (found.size >= strictProblemsMax) break;
  }
  return [...found];
}
