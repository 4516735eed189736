/** The project's own TypeScript files, as text. */

export interface Source {
  /** Relative to the root, `lib/kind.ts`. */
  path: string;
  text: string;
  lines: string[];
}

const root = new URL("../../", import.meta.url);
const skipped = new Set([".git", "node_modules", ".cache"]);

/** All files below the root whose name ends so. */
export function files(ending: string, dir = ""): Source[] {
  const found: Source[] = [];
  for (const entry of Deno.readDirSync(new URL(dir, root))) {
    if (skipped.has(entry.name)) continue;
    const path = dir + entry.name;
    if (entry.isDirectory) found.push(...files(ending, `${path}/`));
    else if (entry.isFile && entry.name.endsWith(ending)) {
      const text = Deno.readTextFileSync(new URL(path, root));
      found.push({ path, text, lines: text.split("\n") });
    }
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Files that people write and read; not what `deno task gen` writes. */
export function handWritten(): Source[] {
  return files(".ts").filter(({ path }) => !path.startsWith("lib/types/"));
}

export const isTest = (path: string) =>
  path.endsWith("_test.ts") || path.startsWith("tests/") || path.endsWith("_contract.ts");

/** Paths of the project's files that a file imports, relative to the root. */
export function imports({ path, text }: Source): string[] {
  const found: string[] = [];
  for (const [, target] of text.matchAll(/^(?:import|export)\b[^;]*?from\s+"(\.[^"]+)"/gms)) {
    found.push(new URL(target!, new URL(path, "file:///")).pathname.slice(1));
  }
  for (const [, target] of text.matchAll(/\bimport\("(\.[^"]+)"\)/g)) {
    found.push(new URL(target!, new URL(path, "file:///")).pathname.slice(1));
  }
  return found;
}
