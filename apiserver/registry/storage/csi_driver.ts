/** CSIDriver: what a CSI driver can and wants. */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { CSIDriver as kind } from "../../../lib/types/kinds.ts";
import type { CSIDriver, TokenRequest } from "../../../lib/types/storage_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";

const groupPolicies = ["File", "None", "ReadWriteOnceWithFSType"];
const lifecycleModes = ["Persistent", "Ephemeral"];
const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;
const updateSecondsMin = 10;

function defaults(object: CSIDriver): void {
  const spec = object.spec ??= {};
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
  if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ["Persistent"];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}

function validate({ spec }: CSIDriver): FieldError[] {
  const errors: FieldError[] = [];
  const { fsGroupPolicy, nodeAllocatableUpdatePeriodSeconds: period, serviceAccountTokenInSecrets } = spec;
  if (fsGroupPolicy !== undefined && !groupPolicies.includes(fsGroupPolicy)) {
    errors.push(fieldError.notSupported("spec.fsGroupPolicy", fsGroupPolicy, groupPolicies));
  }
  errors.push(...validateTokenRequests(spec.tokenRequests ?? [], "spec.tokenRequests"));
  for (const mode of spec.volumeLifecycleModes ?? []) {
    if (lifecycleModes.includes(mode)) continue;
    errors.push(fieldError.notSupported("spec.volumeLifecycleModes", mode, lifecycleModes));
  }
  if (period !== undefined && period < updateSecondsMin) {
    const detail = `must be greater than or equal to ${updateSecondsMin} seconds`;
    errors.push(fieldError.invalid("spec.nodeAllocatableUpdatePeriodSeconds", period, detail));
  }
  if (serviceAccountTokenInSecrets !== undefined && (spec.tokenRequests ?? []).length === 0) {
    const detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
    errors.push(fieldError.invalid("spec.serviceAccountTokenInSecrets", serviceAccountTokenInSecrets, detail));
  }
  return errors;
}

function validateTokenRequests(requests: readonly TokenRequest[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const audiences = new Set<string>();
  requests.forEach(({ audience = "", expirationSeconds: seconds }, i) => {
    if (audiences.has(audience)) {
      errors.push(fieldError.duplicate(`${path}[${i}].audience`, audience));
      return;
    }
    audiences.add(audience);
    const wrong = (detail: string) =>
      errors.push(fieldError.invalid(`${path}[${i}].expirationSeconds`, seconds, detail));
    if (seconds === undefined) return;
    if (seconds < tokenSecondsMin) wrong("may not specify a duration less than 10 minutes");
    if (seconds > tokenSecondsMax) wrong("may not specify a duration larger than 2^32 seconds");
  });
  return errors;
}

function validateUpdate({ spec }: CSIDriver, { spec: old }: CSIDriver): FieldError[] {
  return [
    // Not the field's name: Kubernetes says it so.
    ...immutable(spec.attachRequired, old.attachRequired, "spec.attachedRequired"),
    ...immutable(spec.volumeLifecycleModes, old.volumeLifecycleModes, "spec.volumeLifecycleModes"),
  ];
}

export const csiDriver: Resource<CSIDriver> = defineResource<CSIDriver>(kind, {
  definition: "io.k8s.api.storage.v1.CSIDriver",
  returnsDeleted: true,
  unconditionalUpdate: false,
  defaults,
  prepareUpdate(object, old) {
    // Counts from nothing: a new driver has no generation.
    if (!deepEqual(object.spec, old.spec)) object.metadata.generation = (old.metadata.generation ?? 0) + 1;
  },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { name: "AttachRequired", type: "boolean", value: ({ spec }) => spec.attachRequired ?? true },
    { name: "PodInfoOnMount", type: "boolean", value: ({ spec }) => spec.podInfoOnMount ?? false },
    { name: "StorageCapacity", type: "boolean", value: ({ spec }) => spec.storageCapacity ?? false },
    {
      name: "TokenRequests",
      type: "string",
      value: ({ spec }) => spec.tokenRequests?.map(({ audience }) => audience).join(",") ?? "<unset>",
    },
    { name: "RequiresRepublish", type: "boolean", value: ({ spec }) => spec.requiresRepublish ?? false },
    { name: "Modes", type: "string", value: ({ spec }) => (spec.volumeLifecycleModes ?? []).join(",") || "<none>" },
    ageColumn,
  ],
}, isDNS1123Subdomain);
