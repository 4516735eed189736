/** ServiceAccount: who a pod is (pkg/registry/core/serviceaccount). Leaves out `/token`, which is no stored object. */
import type { ServiceAccount } from "../../../lib/types/core_v1.ts";
import { ServiceAccount as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";

const mountableAnnotation = "kubernetes.io/enforce-mountable-secrets";

/** Only the names of secrets are kept. */
function prepare(account: ServiceAccount): void {
  if (account.secrets === undefined) return;
  account.secrets = account.secrets.map(({ name }) => name ? { name } : {});
}

export const serviceAccount: Resource<ServiceAccount> = defineResource<ServiceAccount>(kind, {
  definition: "io.k8s.api.core.v1.ServiceAccount",
  shortNames: ["sa"],
  returnsDeleted: true,
  prepareCreate: prepare,
  prepareUpdate: prepare,
  warnings({ metadata }, old) {
    const annotated = metadata.annotations?.[mountableAnnotation] !== undefined;
    if (!annotated || old?.metadata.annotations?.[mountableAnnotation] !== undefined) return [];
    const advice = "prefer separate namespaces to isolate access to mounted secrets";
    return [`metadata.annotations[${mountableAnnotation}]: deprecated in v1.32+; ${advice}`];
  },
  columns: [
    nameColumn,
    { name: "Secrets", type: "string", value: ({ secrets }) => (secrets ?? []).length },
    ageColumn,
  ],
}, isDNS1123Subdomain);
