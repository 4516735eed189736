/** Lease: who leads, and whether a node is alive (pkg/registry/coordination/lease). Its writes have a history of their own. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { Lease } from "../../../lib/types/coordination_v1.ts";
import { Lease as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { nonNegative } from "../meta/non_negative.ts";

/** Without coordinated leader election (off in Kubernetes, too, unless asked for) these mean nothing and are dropped. */
function prepare({ spec }: Lease): void {
  delete spec.strategy;
  delete spec.preferredHolder;
}

function validate({ spec }: Lease): FieldError[] {
  const errors: FieldError[] = [];
  const { leaseDurationSeconds: duration } = spec;
  if (duration !== undefined && duration <= 0) {
    errors.push(fieldError.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0"));
  }
  return [...errors, ...nonNegative(spec.leaseTransitions, "spec.leaseTransitions")];
}

export const lease: Resource<Lease> = defineResource<Lease>(kind, {
  definition: "io.k8s.api.coordination.v1.Lease",
  history: "lease",
  createOnUpdate: true,
  unconditionalUpdate: false,
  defaults(object) {
    object.spec ??= {};
  },
  prepareCreate: prepare,
  prepareUpdate: prepare,
  validate,
  columns: [nameColumn, { name: "Holder", type: "string", value: ({ spec }) => spec?.holderIdentity ?? "" }, ageColumn],
}, isDNS1123Subdomain);
