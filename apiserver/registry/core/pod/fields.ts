/** What `--field-selector` may name of a pod (pkg/registry/core/pod ToSelectableFields). */
import type { Pod } from "../../../../lib/types/core_v1.ts";

export const podFields: Readonly<Record<string, (pod: Pod) => string>> = {
  "spec.nodeName": ({ spec }) => spec.nodeName ?? "",
  "spec.restartPolicy": ({ spec }) => spec.restartPolicy ?? "",
  "spec.schedulerName": ({ spec }) => spec.schedulerName ?? "",
  "spec.serviceAccountName": ({ spec }) => spec.serviceAccountName ?? "",
  "spec.hostNetwork": ({ spec }) => String(spec.hostNetwork ?? false),
  "status.phase": ({ status }) => status.phase ?? "",
  "status.podIP": ({ status }) => status.podIPs?.[0]?.ip ?? "",
  "status.nominatedNodeName": ({ status }) => status.nominatedNodeName ?? "",
};
