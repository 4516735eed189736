/** The admission plugins, in the order in which they are asked. */
import { certificateSubjectRestriction } from "./certificate_subject_restriction.ts";
import { defaultTolerationSeconds } from "./default_toleration_seconds.ts";
import { namespaceLifecycle } from "./namespace_lifecycle.ts";
import { nodeRestriction } from "./node_restriction.ts";
import type { AdmissionPlugin } from "./plugin.ts";
import { priority } from "./priority.ts";
import { serviceAccount } from "./service_account.ts";

export const admissionPlugins: readonly AdmissionPlugin[] = [
  // First: what is to be written into a namespace that is not there needs no further look.
  namespaceLifecycle,
  nodeRestriction,
  certificateSubjectRestriction,
  serviceAccount,
  // Here: the account's token as a volume, once tokens can be requested.
  defaultTolerationSeconds,
  priority,
  // Last: limits and quotas, which count what the others have made of an object.
];
