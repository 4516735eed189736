/**
 * Typed access to the field definitions of every Kubernetes type (kubernetes-1.36.json): what validation, defaults,
 * protobuf, OpenAPI, patches and server-side apply are derived from. Resolved lazily, once per definition.
 * Custom resources build Definitions of the same shape from their own schemas (makeDefinition). Leaves out TypeScript
 * types: those are generated (gen/).
 */
import { apiGroups } from "./api_groups.ts";
import raw from "./kubernetes-1.36.json" with { type: "json" };
import { amendments, type RawDefinition, type RawField } from "./amendments.ts";

export type FieldType =
  | "string"
  | "boolean"
  | "int32"
  | "int64"
  | "number"
  /** RFC 3339, whole seconds, UTC. */
  | "time"
  /** RFC 3339 with six decimals. */
  | "microtime"
  | "duration"
  | "quantity"
  | "int-or-string"
  /** A JSON object of no known type (runtime.RawExtension, FieldsV1). */
  | "object"
  /** Any JSON value. */
  | "any"
  /** JSONSchemaProps, or a boolean / a list of them / a list of strings: only in CustomResourceDefinitions. */
  | "schema-or-bool"
  | "schema-or-array"
  | "schema-or-strings"
  | "array"
  | "map"
  | "struct";

/** One field of a definition, or what the elements of a list or a map are. */
export interface Field {
  readonly type: FieldType;
  /** Of `struct` and of the `schema-or-…` types. */
  readonly struct?: Definition;
  /** Of `array`. */
  readonly items?: Field;
  /** Of `map`. */
  readonly values?: Field;
  /** Never omitted on the wire. What a user must give is for validation to say. */
  readonly required: boolean;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  /** `byte`: base64. */
  readonly format?: string;
  readonly listType?: "atomic" | "set" | "map";
  readonly listMapKeys?: readonly string[];
  readonly mapType?: "atomic" | "granular";
  /** As written at the field; the definition's own is in `struct`. */
  readonly structType?: "atomic" | "granular";
  readonly patchStrategy: readonly ("merge" | "replace" | "retainKeys")[];
  readonly patchMergeKey?: string;
  /** Number in protobuf; absent where the field is in an embedded message or has no protobuf form. */
  readonly tag?: number;
  /** The protobuf form is a message around the list: `message Verbs { repeated string items = 1 }`. */
  readonly protoWrapped: boolean;
}

export interface Embedded {
  readonly struct: Definition;
  readonly tag: number;
}

export interface Definition {
  /** `io.k8s.api.apps.v1.DeploymentSpec`; `group/version.Kind` for custom resources. */
  readonly id: string;
  /** Go's name of the type: `DeploymentSpec`. */
  readonly name: string;
  /** Go's name of its package's last element: `v1`. */
  readonly package: string;
  readonly fields: ReadonlyMap<string, Field>;
  /** A whole object with apiVersion and kind. */
  readonly root: boolean;
  readonly namespaced?: boolean;
  readonly structType?: "atomic" | "granular";
  /** Messages whose fields are flattened in JSON. */
  readonly embedded: readonly Embedded[];
  /** Fields that are not named here are kept (x-kubernetes-preserve-unknown-fields). Never in built-in types. */
  readonly preserveUnknown: boolean;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

const metaPackage = "io.k8s.apimachinery.pkg.apis.meta.v1";
/** Kinds of meta/v1 that every group version knows. */
const everywhere = new Set([
  "CreateOptions",
  "DeleteOptions",
  "GetOptions",
  "ListOptions",
  "PatchOptions",
  "UpdateOptions",
  "ApplyOptions",
  "WatchEvent",
]);

const rawDefinitions: Readonly<Record<string, RawDefinition>> = {
  ...raw as unknown as Record<string, RawDefinition>,
};

const cache = new Map<string, Definition>();

class LazyDefinition implements Definition {
  readonly name: string;
  readonly package: string;
  readonly root: boolean;
  readonly namespaced?: boolean;
  readonly structType?: "atomic" | "granular";
  readonly preserveUnknown = false;
  #fields: Map<string, Field> | undefined;
  #embedded: Embedded[] | undefined;

  constructor(readonly id: string, readonly raw: RawDefinition) {
    const parts = id.split(".");
    this.name = parts.at(-1)!;
    this.package = parts.at(-2)!;
    this.root = raw.root === true;
    this.namespaced = raw.namespaced;
    this.structType = raw.structType;
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= new Map(Object.entries(this.raw.fields).map(([name, field]) => [name, new LazyField(field)]));
    return this.#fields;
  }

  get embedded(): readonly Embedded[] {
    // Those of Time, RawExtension and the like name Go's scalars: their encodings are written out in protobuf.ts.
    this.#embedded ??= Object.values(this.raw.protoInline ?? {}).filter(({ ref }) => Object.hasOwn(rawDefinitions, ref))
      .map(({ ref, tag }) => ({ struct: definition(ref), tag }));
    return this.#embedded;
  }
}

class LazyField implements Field {
  readonly type: FieldType;
  readonly items?: Field;
  readonly values?: Field;
  readonly required: boolean;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: string;
  readonly listType?: "atomic" | "set" | "map";
  readonly listMapKeys?: readonly string[];
  readonly mapType?: "atomic" | "granular";
  readonly structType?: "atomic" | "granular";
  readonly patchStrategy: readonly ("merge" | "replace" | "retainKeys")[];
  readonly patchMergeKey?: string;
  readonly tag?: number;
  readonly protoWrapped: boolean;
  readonly #ref?: string;
  #struct: Definition | undefined;

  constructor(field: RawField) {
    this.type = (field.type ?? "struct") as FieldType;
    this.#ref = field.ref;
    if (field.items !== undefined) this.items = new LazyField(field.items);
    if (field.values !== undefined) this.values = new LazyField(field.values);
    this.required = field.required === true;
    this.enum = field.enum;
    this.default = field.default;
    this.format = field.format;
    this.listType = field.listType;
    this.listMapKeys = field.listMapKeys;
    this.mapType = field.mapType;
    this.structType = field.structType;
    this.patchStrategy = (field.patchStrategy ?? "").split(",").filter((s) => s !== "") as Field["patchStrategy"];
    this.patchMergeKey = field.patchMergeKey;
    this.tag = field.tag;
    this.protoWrapped = field.protoWrapped === true;
  }

  get struct(): Definition | undefined {
    if (this.#ref !== undefined) this.#struct ??= definition(this.#ref);
    return this.#struct;
  }
}

/** The definition of a type by its id. Throws Error for an unknown id: a programmer's mistake. */
export function definition(id: string): Definition {
  const known = cache.get(id);
  if (known !== undefined) return known;
  const raw = amendments[id] ?? (Object.hasOwn(rawDefinitions, id) ? rawDefinitions[id] : undefined);
  if (raw === undefined) throw new Error(`lib/schema: there is no definition ${JSON.stringify(id)}`);
  const made = new LazyDefinition(id, raw);
  cache.set(id, made);
  return made;
}

/** Every built-in definition's id. */
export function definitionIds(): string[] {
  return [...new Set([...Object.keys(rawDefinitions), ...Object.keys(amendments)])].sort();
}

let kinds: Map<string, string> | undefined;

function kindIds(): Map<string, string> {
  if (kinds !== undefined) return kinds;
  kinds = new Map();
  for (const id of definitionIds()) {
    const gvk = placeOf(id);
    if (gvk !== undefined) kinds.set(`${gvk.group}/${gvk.version}/${gvk.kind}`, id);
  }
  return kinds;
}

/** Where a built-in definition is in the API, whether it is a root or not. */
function placeOf(id: string): GroupVersionKind | undefined {
  const parts = id.split(".");
  const kind = parts.pop()!;
  if (parts.join(".") === metaPackage) return { group: "meta.k8s.io", version: "v1", kind };
  const version = parts.pop()!;
  const group = apiGroups[parts.pop() ?? ""];
  return group === undefined ? undefined : { group, version, kind };
}

/** The definition of a built-in kind, if there is one. Options, Status and the like are known in every group version. */
export function findDefinition({ group, version, kind }: GroupVersionKind): Definition | undefined {
  const id = kindIds().get(`${group}/${version}/${kind}`);
  if (id !== undefined) return definition(id);
  if (everywhere.has(kind)) return definition(`${metaPackage}.${kind}`);
  if (group === "" && version === "v1" && (kind === "Status" || kind === "List")) {
    return definition(`${metaPackage}.${kind}`);
  }
  return undefined;
}

/** The definition of a built-in kind. Throws Error when there is none. */
export function definitionOf(kind: GroupVersionKind): Definition {
  const found = findDefinition(kind);
  if (found !== undefined) return found;
  throw new Error(`lib/schema: there is no definition of ${kind.group}/${kind.version} ${kind.kind}`);
}

/** The group, version and kind of a built-in root definition. */
export function gvkOf(of: Definition): GroupVersionKind | undefined {
  return of.root ? placeOf(of.id) : undefined;
}

/** A definition made by hand: of a custom resource, or in a test. */
export function makeDefinition(
  options: Partial<Omit<Definition, "id" | "fields">> & { id: string; fields: ReadonlyMap<string, Field> },
): Definition {
  const parts = options.id.split(".");
  return {
    name: parts.at(-1)!,
    package: "unstructured",
    root: false,
    embedded: [],
    preserveUnknown: false,
    ...options,
  };
}

/** A field made by hand; `struct` may be a getter, for definitions that contain themselves. */
export function makeField(options: Partial<Field> & { type: FieldType }): Field {
  const { required = false, patchStrategy = [], protoWrapped = false } = options;
  const field = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options)) as Field;
  return Object.assign(field, { required, patchStrategy, protoWrapped });
}

/** `[a, b]` of a list of structs whose elements are told apart by keys; undefined for every other field. */
export function mapKeysOf(field: Field): readonly string[] | undefined {
  return field.type === "array" && field.listType === "map" ? field.listMapKeys : undefined;
}

/** Whether a struct is owned and replaced as a whole. A field's own word outweighs its type's. */
export function isAtomicStruct(field: Field): boolean {
  return (field.structType ?? field.struct?.structType) === "atomic";
}
