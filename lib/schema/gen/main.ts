/**
 * `deno task gen`: writes lib/types/*.ts from lib/schema/kubernetes-1.36.json, one file per group version, and lib/types/kinds.ts.
 * `--check` writes nothing and fails when a file is not what would be written (CI runs it).
 */
import { generate } from "./types.ts";

const schemaUrl = new URL("../kubernetes-1.36.json", import.meta.url);
const typesUrl = new URL("../../types/", import.meta.url);

const check = Deno.args.includes("--check");
const files = generate(JSON.parse(Deno.readTextFileSync(schemaUrl)));
const stale: string[] = [];
for (const [name, text] of files) {
  const url = new URL(name, typesUrl);
  let current = "";
  try {
    current = Deno.readTextFileSync(url);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  if (current === text) continue;
  stale.push(name);
  if (!check) Deno.writeTextFileSync(url, text);
}
for (const entry of Deno.readDirSync(typesUrl)) {
  if (files.has(entry.name)) continue;
  stale.push(entry.name);
  if (!check) Deno.removeSync(new URL(entry.name, typesUrl));
}
// deno-lint-ignore no-console
console.log(
  stale.length === 0
    ? `lib/types is current: ${files.size} files`
    : `${check ? "not current, run deno task gen" : "rewritten"}: ${stale.join(", ")}`,
);
if (check && stale.length > 0) Deno.exit(1);
