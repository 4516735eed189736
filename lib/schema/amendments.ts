/**
 * What the API definitions' own generators lose, put right: types that JSON Schema cannot say (SchemaOrBool), protobuf
 * tags of fields with odd names, messages that wrap a list, kinds that are only on the wire (WatchEvent), and those of metrics.k8s.io.
 */
import raw from "./kubernetes-1.36.json" with { type: "json" };
import { metricsDefinitions } from "./metrics.ts";

export interface RawField {
  type?: string;
  ref?: string;
  items?: RawField;
  values?: RawField;
  required?: boolean;
  enum?: string[];
  default?: unknown;
  format?: string;
  listType?: "atomic" | "set" | "map";
  listMapKeys?: string[];
  mapType?: "atomic" | "granular";
  structType?: "atomic" | "granular";
  patchStrategy?: string;
  patchMergeKey?: string;
  tag?: number;
  protoWrapped?: boolean;
}

export interface RawDefinition {
  fields: Record<string, RawField>;
  root?: boolean;
  namespaced?: boolean;
  structType?: "atomic" | "granular";
  protoInline?: Record<string, { ref: string; tag: number }>;
}

const apiextensions = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1";
const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const definitions = raw as unknown as Record<string, RawDefinition>;

function amended(id: string, fields: Record<string, RawField>): RawDefinition {
  const { protoInline: _, ...rest } = definitions[id]!;
  const merged = { ...rest.fields };
  for (const [name, field] of Object.entries(fields)) merged[name] = { ...merged[name], ...field };
  return { ...rest, fields: merged };
}

const schemaProps = `${apiextensions}.JSONSchemaProps`;

const jsonSchemaProps = amended(schemaProps, {
  $schema: { tag: 2 },
  $ref: { tag: 3 },
  items: { type: "schema-or-array", ref: schemaProps },
  additionalItems: { type: "schema-or-bool", ref: schemaProps },
  additionalProperties: { type: "schema-or-bool", ref: schemaProps },
  dependencies: { values: { type: "schema-or-strings", ref: schemaProps } },
  definitions: { values: { ref: schemaProps } },
  "x-kubernetes-preserve-unknown-fields": { tag: 38 },
  "x-kubernetes-embedded-resource": { tag: 39 },
  "x-kubernetes-int-or-string": { tag: 40 },
  "x-kubernetes-list-map-keys": { tag: 41 },
  "x-kubernetes-list-type": { tag: 42 },
  "x-kubernetes-map-type": { tag: 43 },
  "x-kubernetes-validations": { tag: 44, items: { ref: `${apiextensions}.ValidationRule` } },
});

/** Lists that are a message of their own in protobuf: `Verbs`, `ExtraValue`. */
const wrapped: [string, string][] = [
  [`${meta}.APIResource`, "verbs"],
  ["io.k8s.api.authentication.v1.UserInfo", "extra"],
  ["io.k8s.api.authentication.v1beta1.UserInfo", "extra"],
  ["io.k8s.api.authorization.v1.SubjectAccessReviewSpec", "extra"],
  ["io.k8s.api.certificates.v1.CertificateSigningRequestSpec", "extra"],
];

function wrap(id: string, name: string): RawDefinition {
  const field = definitions[id]!.fields[name]!;
  if (field.values === undefined) return amended(id, { [name]: { protoWrapped: true } });
  return amended(id, { [name]: { values: { ...field.values, protoWrapped: true } } });
}

export const amendments: Readonly<Record<string, RawDefinition>> = {
  [schemaProps]: jsonSchemaProps,
  [`${apiextensions}.CustomResourceSubresourceStatus`]: { fields: {} },
  [`${meta}.WatchEvent`]: {
    root: true,
    fields: { type: { type: "string", tag: 1, required: true }, object: { type: "object", tag: 2, required: true } },
  },
  ...metricsDefinitions,
  ...Object.fromEntries(wrapped.map(([id, name]) => [id, wrap(id, name)])),
};
