/**
 * YAML bodies (`application/yaml`, `apply-patch+yaml`) as sigs.k8s.io/yaml reads them: YAML 1.1 without times and
 * base-60 numbers, merge keys, JSON values only, and bounded: a small text can't become a large value.
 */
import { type CollectionTag, isAlias, isCollection, isPair, type Node, parseDocument, type ScalarTag } from "yaml";
import { JsonError, mayBeIllFormed, parseJson, wellFormed } from "./json.ts";
import { jsonDepthMax, yamlAliasesMax, yamlNodesMax } from "../limits.ts";

/** The text is no YAML, or more than its limits allow. */
export class YamlError extends Error {
  override name = "YamlError";
}

export interface ParsedYaml {
  readonly value: unknown;
  /** `line 3: key "a" already set in map`. The last value counts. */
  readonly duplicates: readonly string[];
}

/** Types that Go's YAML leaves as strings or does not know: 22:22 is a string, and so is 2026-01-01. */
const leftOut = new Set([
  "tag:yaml.org,2002:timestamp",
  "tag:yaml.org,2002:binary",
  "tag:yaml.org,2002:set",
  "tag:yaml.org,2002:omap",
  "tag:yaml.org,2002:pairs",
]);

function kept(tag: ScalarTag | CollectionTag | string): boolean {
  if (typeof tag === "string") return true;
  return !leftOut.has(tag.tag) && !("format" in tag && tag.format === "TIME");
}

/** Parses one YAML document to JSON values. Throws YamlError. */
export function parseYaml(text: string): ParsedYaml {
  const json = asJson(text);
  if (json !== undefined) return json;
  checkFlowDepth(text);
  const document = parseDocument(text, {
    version: "1.1",
    merge: true,
    uniqueKeys: true,
    prettyErrors: false,
    customTags: (tags) => tags.filter(kept),
  });
  const duplicates: string[] = [];
  for (const error of document.errors) {
    if (error.code !== "DUPLICATE_KEY") throw new YamlError(`error converting YAML to JSON: yaml: ${error.message}`);
    const [start, end] = error.pos;
    const line = text.slice(0, start).split("\n").length;
    const key = /^(?:"[^"\n]*"|'[^'\n]*'|[^:\n]*)/.exec(text.slice(start, Math.max(end, start + 256)))![0].trim();
    duplicates.push(`line ${line}: key ${JSON.stringify(key.replace(/^["']|["']$/g, ""))} already set in map`);
  }
  const aliases = checkSize(document.contents as Node | null);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: yamlAliasesMax });
  } catch (error) {
    throw new YamlError(`error converting YAML to JSON: yaml: ${(error as Error).message}`);
  }
  // An alias is the same object twice; whoever changes one place would change the other.
  const plain = jsonOf(aliases ? structuredClone(value) : value, { left: yamlNodesMax }, 0);
  return { value: mayBeIllFormed(text) ? wellFormed(plain) : plain, duplicates };
}

/** kubectl sends JSON as YAML: the fast parser reads it. What looks like JSON and is none is for the YAML parser. */
function asJson(text: string): ParsedYaml | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    const { value, duplicates } = parseJson(text);
    return { value, duplicates: duplicates.map((path) => `key ${JSON.stringify(path)} already set in map`) };
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

/** The parser is recursive: brackets that are nested too deeply must not reach it. Counts too many rather than too few. */
function checkFlowDepth(text: string): void {
  let depth = 0;
  let indents = 0;
  for (const line of text.split("\n")) {
    indents = Math.max(indents, /^(?:[ ]|- |\? )*/.exec(line)![0].length);
    for (let i = 0; i < line.length; i++) {
      const c = line.charCodeAt(i);
      if (c === 91 || c === 123) depth++;
      else if ((c === 93 || c === 125) && depth > 0) depth--;
      if (depth > jsonDepthMax) throw new YamlError(`yaml: exceeded max depth of ${jsonDepthMax}`);
    }
  }
  if (indents > 4 * jsonDepthMax) throw new YamlError(`yaml: exceeded max depth of ${jsonDepthMax}`);
}

/** Whether there are aliases. Refuses more of them than the limit. */
function checkSize(contents: Node | null): boolean {
  let aliases = 0;
  const pending: unknown[] = [contents];
  while (pending.length > 0) {
    const node = pending.pop();
    if (isAlias(node)) {
      if (++aliases > yamlAliasesMax) throw new YamlError("yaml: document contains excessive aliasing");
    } else if (isPair(node)) pending.push(node.key, node.value);
    else if (isCollection(node)) pending.push(...node.items);
  }
  return aliases > 0;
}

/** Only what JSON has: keys are strings, numbers are finite; and no more values than the limit. */
function jsonOf(value: unknown, budget: { left: number }, depth: number): unknown {
  if (--budget.left < 0) throw new YamlError("yaml: document contains excessive aliasing");
  if (depth > jsonDepthMax) throw new YamlError(`yaml: exceeded max depth of ${jsonDepthMax}`);
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw new YamlError("yaml: unsupported value: NaN or Inf");
  if (typeof value !== "object" || value === null) return value ?? null;
  if (Array.isArray(value)) return value.map((item) => jsonOf(item, budget, depth + 1));
  const entries = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [String(key), jsonOf(item, budget, depth + 1)]));
}
