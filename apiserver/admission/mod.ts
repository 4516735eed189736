/** The admission plugins, in the order in which they are asked. */
import { certificateApproval, certificateSigning } from "./certificate_signers.ts";
import { certificateSubjectRestriction } from "./certificate_subject_restriction.ts";
import { defaultStorageClass } from "./default_storage_class.ts";
import { defaultIngressClass } from "./default_ingress_class.ts";
import { defaultTolerationSeconds } from "./default_toleration_seconds.ts";
import { limitRanger } from "./limit_ranger.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { nodeRestriction } from "./node_restriction.ts";
import { impliedVerbs } from "./implied_verbs.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { Permissions } from "./permissions.ts";
import type { AdmissionPlugin } from "./plugin.ts";
import { podResizeValidator } from "./pod_resize.ts";
import { podSecurity } from "./pod_security/plugin.ts";
import { podTopologyLabels } from "./pod_topology_labels.ts";
import { priority } from "./priority.ts";
import { rbacEscalation } from "./rbac_escalation.ts";
import { type QuotaParts, resourceQuota } from "./resource_quota.ts";
import { runtimeClass } from "./runtime_class.ts";
import { serviceAccount } from "./service_account.ts";
import { storageInUse } from "./storage_in_use.ts";

export interface AdmissionParts {
  permissions: Permissions;
  random: Random;
  quota: QuotaParts;
}

export function admissionPlugins({ permissions, random, quota }: AdmissionParts): readonly AdmissionPlugin[] {
  return [
    impliedVerbs(permissions),
    // First of those that look at the object: what is to be written into a namespace that is not there needs no further look.
    namespaceLifecycle,
    nodeRestriction,
    certificateApproval(permissions),
    certificateSigning(permissions),
    certificateSubjectRestriction,
    rbacEscalation(permissions),
    limitRanger,
    serviceAccount(random),
    defaultTolerationSeconds,
    priority,
    defaultIngressClass,
    defaultStorageClass,
    storageInUse,
    runtimeClass,
    podTopologyLabels,
    podSecurity,
    podResizeValidator,
    // Last: it counts what the others have made of an object.
    resourceQuota(quota),
  ];
}
