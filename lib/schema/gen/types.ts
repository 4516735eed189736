/** Schema definitions → TypeScript text. Pure. What a field means beyond its type (defaults, merge keys) stays in the schema. */
import { apiGroups } from "../api_groups.ts";

interface Field {
  type?: string;
  ref?: string;
  items?: Field;
  values?: Field;
  required?: boolean;
  enum?: string[];
}
interface Definition {
  fields: Record<string, Field>;
  root?: boolean;
  namespaced?: boolean;
}
export type Definitions = Record<string, Definition>;

const metaGroup = "io.k8s.apimachinery.pkg.apis.meta.v1";

/** `io.k8s.api.core.v1.Pod` → `{ file: "core_v1", name: "Pod", group: "core", version: "v1" }`. */
function place(id: string): { file: string; name: string; version: string; pkg: string } {
  const parts = id.split(".");
  const name = parts.pop()!;
  const pkg = parts.join(".");
  if (id.includes(".apimachinery.pkg.") && pkg !== metaGroup) return { file: "runtime", name, version: "", pkg };
  const version = parts.pop()!;
  return { file: `${parts.pop()}_${version}`, name, version, pkg };
}

/** Kinds of which no object is ever stored or addressed by name. */
const notAddressable = new Set(["Status", "Table", "List", "PartialObjectMetadata", "APIGroupDiscovery"]);

const scalar: Record<string, string> = {
  string: "string",
  boolean: "boolean",
  int32: "number",
  int64: "number",
  number: "number",
  time: "string",
  microtime: "string",
  duration: "string",
  quantity: "string",
  "int-or-string": "number | string",
  object: "Record<string, unknown>",
  any: "unknown",
};

/** The definitions' ids, and under each file's name the names that it defines. */
type Known = Map<string, Set<string>>;

function knownOf(definitions: Definitions): Known {
  const known: Known = new Map();
  for (const id of Object.keys(definitions)) {
    const { file, name } = place(id);
    known.set(id, new Set());
    known.set(file, (known.get(file) ?? new Set()).add(name));
  }
  return known;
}

function typeOf(
  field: Field,
  imports: Map<string, Set<string>>,
  file: string,
  root: Definition | undefined,
  known: Known,
): string {
  if (field.ref !== undefined) {
    if (field.ref === `${metaGroup}.ObjectMeta`) {
      const name = root === undefined ? "TemplateMeta" : root.namespaced ? "NamespacedMeta" : "ObjectMeta";
      return imported(name, "meta_v1", imports, file, known);
    }
    if (!known.has(field.ref)) return "Record<string, unknown>";
    const { name, file: from } = place(field.ref);
    return imported(name, from, imports, file, known);
  }
  if (field.enum !== undefined) return field.enum.map((v) => JSON.stringify(v)).join(" | ");
  if (field.type === "array") {
    const item = typeOf(field.items!, imports, file, undefined, known);
    return item.includes("|") ? `(${item})[]` : `${item}[]`;
  }
  if (field.type === "map") return `Record<string, ${typeOf(field.values!, imports, file, undefined, known)}>`;
  const text = scalar[field.type!];
  if (text === undefined) throw new Error(`lib/schema: unknown field type ${field.type}`);
  return text;
}

/** Notes the import and answers the name to use: qualified where this file has a definition of that name itself. */
function imported(name: string, from: string, imports: Map<string, Set<string>>, file: string, known: Known): string {
  if (from === file) return name;
  const clash = known.get(file)?.has(name) === true;
  const names = imports.get(from) ?? new Set();
  imports.set(from, names.add(clash ? `${name} as ${from}_${name}` : name));
  return clash ? `${from}_${name}` : name;
}

/** Words that are fields of TypeScript's own. */
const safeKey = (key: string) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? key : JSON.stringify(key);

const objectMeta = `/** What every object carries once it is stored. */
export interface ObjectMeta extends TemplateMeta {
  name: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
}

/** ObjectMeta of a kind that lives in a namespace. */
export interface NamespacedMeta extends ObjectMeta {
  namespace: string;
}
`;

/** Every file of lib/types by its name. */
export function generate(definitions: Definitions): Map<string, string> {
  const known = knownOf(definitions);
  const bodies = new Map<string, string[]>();
  const imports = new Map<string, Map<string, Set<string>>>();
  for (const id of Object.keys(definitions).sort()) {
    const definition = definitions[id]!;
    const { file, name, pkg, version } = place(id);
    const wanted = imports.get(file) ?? new Map<string, Set<string>>();
    imports.set(file, wanted);
    const isMeta = id === `${metaGroup}.ObjectMeta`;
    const lines = [`export interface ${isMeta ? "TemplateMeta" : name} {`];
    const isRoot = definition.root === true;
    for (const [key, field] of Object.entries(definition.fields)) {
      let type = typeOf(field, wanted, file, isRoot ? definition : undefined, known);
      let optional = field.required !== true;
      if (isRoot && key === "kind") [type, optional] = [JSON.stringify(name), false];
      if (isRoot && key === "apiVersion") [type, optional] = [JSON.stringify(apiVersionOf(pkg, version)), false];
      // Go structs, never pointers: Kubernetes always writes them, so the server does too.
      if (isRoot && ["metadata", "spec", "status"].includes(key) && field.ref !== undefined) optional = false;
      if (name === "PodTemplateSpec" && key === "spec") optional = false;
      lines.push(`  ${safeKey(key)}${optional ? "?" : ""}: ${type};`);
    }
    lines.push("}", "");
    if (isMeta) lines.push(objectMeta);
    bodies.set(file, [...(bodies.get(file) ?? []), lines.join("\n")]);
  }
  const files = new Map<string, string>();
  for (const [file, body] of bodies) {
    const head = [...imports.get(file)!].sort().map(([from, names]) =>
      `import type { ${[...names].sort().join(", ")} } from "./${from}.ts";\n`
    ).join("");
    files.set(
      `${file}.ts`,
      `// Generated by \`deno task gen\` from lib/schema/kubernetes-1.36.json. Do not edit.\n${head}\n${
        body.join("\n")
      }`,
    );
  }
  files.set("kinds.ts", kinds(definitions));
  return files;
}

function apiVersionOf(pkg: string, version: string): string {
  if (pkg === metaGroup) return "meta.k8s.io/v1";
  const group = apiGroups[pkg.split(".").at(-2)!];
  if (group === undefined) throw new Error(`lib/schema: no API group for package ${pkg}`);
  return group === "" ? version : `${group}/${version}`;
}

/** Kubernetes' rule for plurals (meta.UnsafeGuessKindToResource). */
function plural(kind: string): string {
  const k = kind.toLowerCase();
  if (k === "endpoints") return k;
  if (k.endsWith("s")) return `${k}es`;
  if (k.endsWith("y")) return `${k.slice(0, -1)}ies`;
  return `${k}s`;
}

const versionName = (version: string) => version === "v1" ? "" : version.replace(/^v/, "V");

function kinds(definitions: Definitions): string {
  const imports: string[] = [];
  const lines: string[] = [];
  const taken = new Set<string>();
  const entries = Object.entries(definitions).filter(([id, d]) => d.root && !place(id).name.endsWith("List"));
  for (const [id, definition] of entries.sort(([a], [b]) => a < b ? -1 : 1)) {
    const { file, name, pkg, version } = place(id);
    if (pkg === metaGroup || notAddressable.has(name) || !(`${id}List` in definitions)) continue;
    const group = apiGroups[pkg.split(".").at(-2)!]!;
    let constant = name + versionName(version);
    if (taken.has(constant)) constant = group.split(".")[0]!.replace(/^./, (c) => c.toUpperCase()) + constant;
    taken.add(constant);
    const alias = `${file}_${name}`;
    imports.push(`import type { ${name} as ${alias} } from "./${file}.ts";`);
    lines.push(
      `export const ${constant}: Kind<${alias}> = ${
        JSON.stringify({ group, version, kind: name, plural: plural(name), namespaced: definition.namespaced === true })
          .replaceAll(/"(\w+)":/g, " $1: ").replace(/}$/, " }")
      };`,
    );
  }
  return `// Generated by \`deno task gen\` from lib/schema/kubernetes-1.36.json. Do not edit.
// One constant per kind that has objects: what a client needs to address it, typed with what comes back.
${imports.join("\n")}
import type { Kind } from "../kind.ts";

${lines.join("\n")}
`;
}
