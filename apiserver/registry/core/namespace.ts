/** Namespace: goes away in two steps, the second of which waits for spec.finalizers (pkg/registry/core/namespace). */
import type { KubeObject } from "../../../lib/kind.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { Namespace } from "../../../lib/types/core_v1.ts";
import { Namespace as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Label, isQualifiedName } from "../../../lib/validation.ts";
import { allVerbs, defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";

const nameLabel = "kubernetes.io/metadata.name";
const standardFinalizers = ["kubernetes", "orphan", "foregroundDeletion"];

function defaultNamespace(namespace: Namespace): void {
  namespace.spec ??= {};
  namespace.status ??= {};
  namespace.status.phase ||= "Active";
  const { metadata } = namespace;
  if (metadata.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name };
}

function validateFinalizer(name: string, path: string): FieldError[] {
  const errors = isQualifiedName(name).map((message) => fieldError.invalid(path, name, message));
  if (!name.includes("/") && !standardFinalizers.includes(name)) {
    const detail = "name is neither a standard finalizer name nor is it fully qualified";
    errors.push(fieldError.invalid(path, name, detail));
  }
  return errors;
}

function validateStatus({ metadata, status }: Namespace): FieldError[] {
  const [wanted, when] = metadata.deletionTimestamp === undefined ? ["Active", ""] : ["Terminating", "not "];
  if (status.phase === wanted) return [];
  const detail = `may only be '${wanted}' if \`deletionTimestamp\` is ${when}empty`;
  return [fieldError.invalid("status.Phase", status.phase ?? "", detail)];
}

/** `/finalize`: everything but the status is that of the body. */
function finalize(namespace: Namespace, body: KubeObject): FieldError[] {
  const { spec, metadata } = body as Namespace;
  const finalizers = spec?.finalizers ?? [];
  namespace.spec = finalizers.length === 0 ? {} : { finalizers };
  for (const name of ["annotations", "finalizers", "labels", "ownerReferences"] as const) {
    if (metadata[name] === undefined) delete namespace.metadata[name];
    else Object.assign(namespace.metadata, { [name]: metadata[name] });
  }
  defaultNamespace(namespace);
  return finalizers.flatMap((name, i) => validateFinalizer(name, `spec.finalizers[${i}]`));
}

export const namespace: Resource<Namespace> = defineResource<Namespace>(kind, {
  definition: "io.k8s.api.core.v1.Namespace",
  shortNames: ["ns"],
  verbs: allVerbs.filter((verb) => verb !== "deletecollection"),
  status: true,
  generation: false,
  defaults: defaultNamespace,
  prepareCreate(object) {
    object.status = { phase: "Active" };
    const finalizers = object.spec.finalizers ?? [];
    // Not a default: it is there from the start, and the namespace controller takes it away at the end.
    if (!finalizers.includes("kubernetes")) object.spec.finalizers = [...finalizers, "kubernetes"];
  },
  prepareUpdate(object, old) {
    object.spec = structuredClone(old.spec);
  },
  validate: ({ spec }) => (spec.finalizers ?? []).flatMap((name) => validateFinalizer(name, "spec.finalizers")),
  validateStatus,
  moreFinalizers: ({ spec }) => spec?.finalizers ?? [],
  prepareDelete(object) {
    object.status = { ...object.status, phase: "Terminating" };
  },
  subresources: {
    finalize: {
      do: "write",
      verbs: ["update"],
      kind: { group: "", version: "v1", kind: "Namespace" },
      definition: "io.k8s.api.core.v1.Namespace",
      apply: finalize,
    },
  },
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: ({ status }) => status?.phase ?? "" },
    ageColumn,
  ],
  fields: { "status.phase": ({ status }) => status?.phase ?? "" },
}, isDNS1123Label);
