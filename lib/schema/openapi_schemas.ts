/** Definitions → the `components.schemas` of an OpenAPI v3 document, with Kubernetes' extensions. Pure. */
import type { ServedGroup, ServedResource } from "./openapi.ts";
import { type Definition, definition, type Field, findDefinition, type GroupVersionKind, gvkOf } from "./schema.ts";

type Schema = Record<string, unknown>;

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const objectMeta = `${meta}.ObjectMeta`;
const listMeta = `${meta}.ListMeta`;

/** Types that are scalars on the wire; clients know them by these names. */
const scalars: Readonly<Record<string, readonly [name: string, schema: Schema]>> = {
  time: [`${meta}.Time`, { type: "string", format: "date-time" }],
  microtime: [`${meta}.MicroTime`, { type: "string", format: "date-time" }],
  duration: [`${meta}.Duration`, { type: "string" }],
  quantity: ["io.k8s.apimachinery.pkg.api.resource.Quantity", { oneOf: [{ type: "string" }, { type: "number" }] }],
  "int-or-string": [
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
    { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  ],
};

const patchName = `${meta}.Patch`;
const always = [`${meta}.Status`, `${meta}.DeleteOptions`, `${meta}.WatchEvent`, `${meta}.APIResourceList`];

export const refTo = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });

/** The name of a kind's schema: `io.k8s.api.apps.v1.Deployment`, `com.example.v1.Widget`. */
export function componentName(kind: GroupVersionKind): string {
  const found = findDefinition(kind);
  if (found !== undefined) return found.id;
  return [...kind.group.split(".").reverse(), kind.version, kind.kind].filter((part) => part !== "").join(".");
}

export const listKindOf = (resource: ServedResource): string => resource.listKind ?? `${resource.kind}List`;

/** All schemas that a group version's document needs. */
export function schemasOf(group: ServedGroup): Record<string, Schema> {
  const schemas: Record<string, Schema> = { [patchName]: { type: "object" } };
  const pending: string[] = [...always];
  const need = (id: string) => {
    if (!(id in schemas)) pending.push(id);
  };
  for (const resource of group.resources) {
    const builtIn = resource.definition ?? findDefinition(resource);
    if (resource.schema !== undefined || builtIn === undefined || builtIn.package === "unstructured") {
      addCustom(schemas, resource);
      need(objectMeta);
      need(listMeta);
    } else need(builtIn.id);
    const list = findDefinition({ ...resource, kind: listKindOf(resource) });
    if (list !== undefined && resource.verbs.includes("list")) need(list.id);
    for (const { kind } of resource.subresources ?? []) {
      const body = findDefinition(kind);
      if (body !== undefined) need(body.id);
    }
  }
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (!(id in schemas)) schemas[id] = schemaOf(definition(id), { schemas, need, group });
  }
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => a < b ? -1 : 1));
}

interface Context {
  readonly schemas: Record<string, Schema>;
  readonly need: (id: string) => void;
  readonly group: ServedGroup;
}

function schemaOf(of: Definition, context: Context): Schema {
  const schema: Schema = { type: "object" };
  const properties: Record<string, Schema> = {};
  const required: string[] = [];
  for (const [name, field] of of.fields) {
    properties[name] = fieldSchema(field, context);
    if (field.required) required.push(name);
  }
  if (Object.keys(properties).length > 0) schema.properties = properties;
  if (required.length > 0) schema.required = required;
  if (of.structType === "atomic") schema["x-kubernetes-map-type"] = "atomic";
  const kind = gvkOf(of);
  if (kind !== undefined) schema["x-kubernetes-group-version-kind"] = kindsOf(of, kind, context.group);
  else if (of.id === `${meta}.DeleteOptions`) {
    schema["x-kubernetes-group-version-kind"] = kindsOf(of, { group: "", version: "v1", kind: of.name }, context.group);
  }
  return schema;
}

/** Kinds of meta/v1 are kinds of every group version. */
function kindsOf(of: Definition, kind: GroupVersionKind, group: ServedGroup): GroupVersionKind[] {
  if (!of.id.startsWith(`${meta}.`)) return [kind];
  const core = { group: "", version: "v1", kind: of.name };
  const own = { group: group.group, version: group.version, kind: of.name };
  const served = of.name === "DeleteOptions" || of.name === "WatchEvent";
  return served && group.group !== "" ? [core, own] : [core];
}

/** What stands beside a field's type. Siblings of $ref are ignored, so a reference with extensions is wrapped. */
function extensionsOf(field: Field): Schema {
  const extensions: Schema = {};
  if (field.default !== undefined) extensions.default = field.default;
  if (field.listType !== undefined) extensions["x-kubernetes-list-type"] = field.listType;
  if (field.listMapKeys !== undefined) extensions["x-kubernetes-list-map-keys"] = field.listMapKeys;
  const mapType = field.mapType ?? field.structType;
  if (mapType !== undefined) extensions["x-kubernetes-map-type"] = mapType;
  if (field.patchMergeKey !== undefined) extensions["x-kubernetes-patch-merge-key"] = field.patchMergeKey;
  if (field.patchStrategy.length > 0) extensions["x-kubernetes-patch-strategy"] = field.patchStrategy.join(",");
  return extensions;
}

function fieldSchema(field: Field, context: Context): Schema {
  const schema = typeSchema(field, context);
  const extensions = extensionsOf(field);
  if (Object.keys(extensions).length === 0) return schema;
  return "$ref" in schema ? { allOf: [schema], ...extensions } : { ...schema, ...extensions };
}

function typeSchema(field: Field, context: Context): Schema {
  const scalar = scalars[field.type];
  if (scalar !== undefined) {
    context.schemas[scalar[0]] = scalar[1];
    return refTo(scalar[0]);
  }
  switch (field.type) {
    case "string": {
      if (field.format !== undefined) return { type: "string", format: field.format };
      return field.enum === undefined ? { type: "string" } : { type: "string", enum: field.enum };
    }
    case "boolean":
      return { type: "boolean" };
    case "int32":
    case "int64":
      return { type: "integer", format: field.type };
    case "number":
      return { type: "number", format: "double" };
    case "object":
      return { type: "object" };
    case "array":
      return { type: "array", items: fieldSchema(field.items!, context) };
    case "map":
      return { type: "object", additionalProperties: fieldSchema(field.values!, context) };
    case "struct":
      context.need(field.struct!.id);
      return refTo(field.struct!.id);
    default:
      return {};
  }
}

/** A custom resource's own schema, completed with what every object has; and its list. */
function addCustom(schemas: Record<string, Schema>, resource: ServedResource): void {
  const name = componentName(resource);
  const { group, version, kind } = resource;
  const given = resource.schema ?? { type: "object", "x-kubernetes-preserve-unknown-fields": true };
  const { required, properties, ...rest } = given as { required?: unknown; properties?: Schema };
  schemas[name] = {
    ...rest,
    type: "object",
    ...(required === undefined ? {} : { required }),
    properties: {
      ...properties,
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { allOf: [refTo(objectMeta)], default: {} },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind }],
  };
  const list = listKindOf(resource);
  schemas[componentName({ group, version, kind: list })] = {
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      items: { type: "array", items: refTo(name) },
      kind: { type: "string" },
      metadata: { allOf: [refTo(listMeta)], default: {} },
    },
    "x-kubernetes-group-version-kind": [{ group, version, kind: list }],
  };
}
