/**
 * The schema's own default values: `protocol: TCP`, `pool: rbd`. Defaults that depend on the kind or on other fields are
 * the registry's. Compiled once per definition; types without defaults below them are never walked.
 */
import { isPointer } from "./pointers.ts";
import type { Definition, Field } from "./schema.ts";

type Json = Record<string, unknown>;
type Apply = (value: unknown) => void;

/** Sets what is absent to its default, in place: the caller owns the object. */
export function applyDefaults(object: object, definition: Definition): void {
  structApply(definition, new Set())?.(object);
}

const compiled = new WeakMap<Definition, { readonly apply: Apply | undefined }>();

/** undefined where there is nothing to do. Types within themselves (`open`) are taken to have something to do. */
function structApply(definition: Definition, open: Set<Definition>): Apply | undefined {
  const known = compiled.get(definition);
  if (known !== undefined) return known.apply;
  if (open.has(definition)) return (value) => structApply(definition, new Set())?.(value);
  open.add(definition);
  const values: [string, unknown][] = [];
  const nested: [string, Apply][] = [];
  for (const [name, field] of definition.fields) {
    if (isEmitted(definition, name, field)) values.push([name, field.default]);
    const apply = fieldApply(field, open);
    if (apply !== undefined) nested.push([name, apply]);
  }
  open.delete(definition);
  const apply: Apply | undefined = values.length === 0 && nested.length === 0 ? undefined : (value) => {
    if (typeof value !== "object" || value === null) return;
    const object = value as Json;
    for (const [name, fallback] of values) if (object[name] === undefined) object[name] = structuredClone(fallback);
    for (const [name, applyTo] of nested) if (object[name] !== undefined) applyTo(object[name]);
  };
  if (open.size === 0 || apply === undefined || nested.length === 0) compiled.set(definition, { apply });
  return apply;
}

/** Go omits a zero unless its field is a pointer; so a default of "" or 0 is seen on the wire only there. */
function isEmitted(definition: Definition, name: string, field: Field): boolean {
  if (field.default === undefined) return false;
  const zero = field.default === "" || field.default === 0 || field.default === false;
  return !zero || definition.package === "unstructured" || isPointer(definition.name, name);
}

function fieldApply(field: Field, open: Set<Definition>): Apply | undefined {
  switch (field.type) {
    case "struct":
      return structApply(field.struct!, open);
    case "array": {
      const apply = fieldApply(field.items!, open);
      if (apply === undefined) return undefined;
      return (value) => {
        if (Array.isArray(value)) { for (const item of value) apply(item); }
      };
    }
    case "map": {
      const apply = fieldApply(field.values!, open);
      if (apply === undefined) return undefined;
      return (value) => {
        if (typeof value === "object" && value !== null) { for (const item of Object.values(value)) apply(item); }
      };
    }
    default:
      return undefined;
  }
}
