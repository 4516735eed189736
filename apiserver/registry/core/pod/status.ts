/** What a status of a pod may say, and may become (ValidatePodStatusUpdate of pkg/apis/core/validation). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { ContainerStatus, Pod, PodCondition, PodSpec, PodStatus } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain, isIPv4, isQualifiedName, isValidIP, isValidUserID } from "../../../../lib/validation.ts";
import { immutable } from "../../meta/immutable.ts";
import { validatePodAnnotationUpdates } from "./annotations.ts";
import { mayRestart } from "./restart.ts";

/** podIP is the first of podIPs; where they differ, podIP is what an older client has set. */
export function alignPodIps(status: PodStatus): void {
  const first = status.podIPs?.[0]?.ip;
  if (status.podIP) {
    if (first !== status.podIP) status.podIPs = [{ ip: status.podIP }];
  } else if (first) status.podIP = first;
}

export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const { status, spec } = pod;
  const errors = validatePodAnnotationUpdates(pod, old);
  errors.push(...conditionErrors(status.conditions ?? []));
  const nominated = status.nominatedNodeName ?? "";
  if (nominated !== "" && nominated !== old.status.nominatedNodeName) {
    for (const message of isDNS1123Subdomain(nominated)) {
      errors.push(fieldError.invalid("status.nominatedNodeName", nominated, message));
    }
  }
  if ((status.observedGeneration ?? 0) < 0) {
    const detail = "must be a non-negative integer";
    errors.push(fieldError.invalid("status.observedGeneration", status.observedGeneration, detail));
  }
  errors.push(...immutable(status.qosClass, old.status.qosClass, "status.qosClass"));
  for (const list of ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const) {
    errors.push(...transitionErrors(status[list] ?? [], old.status[list] ?? [], { list, spec: old.spec }));
  }
  errors.push(...claimErrors(pod), ...ipErrors("podIPs", status), ...hostIpErrors(status));
  for (const list of ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] as const) {
    errors.push(...userErrors(status[list] ?? [], `status.${list}`, spec.os?.name));
  }
  return errors;
}

const systemConditions = ["PodScheduled", "Ready", "Initialized"];

function conditionErrors(conditions: readonly PodCondition[]): FieldError[] {
  return conditions.flatMap(({ type = "", observedGeneration = 0 }, i) => {
    const path = `status.conditions[${i}]`;
    const errors: FieldError[] = [];
    if (observedGeneration < 0) {
      const detail = "must be a non-negative integer";
      errors.push(fieldError.invalid(`${path}.observedGeneration`, observedGeneration, detail));
    }
    if (systemConditions.includes(type)) return errors;
    // The capital letter is Kubernetes' own.
    return [...errors, ...isQualifiedName(type).map((m) => fieldError.invalid(`${path}.Type`, type, m))];
  });
}

type StatusList = "containerStatuses" | "initContainerStatuses" | "ephemeralContainerStatuses";

/** A container that has ended for good stays ended. */
function transitionErrors(
  now: readonly ContainerStatus[],
  before: readonly ContainerStatus[],
  { list, spec }: { list: StatusList; spec: PodSpec },
): FieldError[] {
  return before.flatMap((old, i) => {
    const ended = old.state?.terminated;
    if (ended === undefined) return [];
    // Ephemeral containers are never started again, whatever the pod's policy is.
    if (list !== "ephemeralContainerStatuses" && mayRestart(spec, old.name, ended.exitCode)) return [];
    const back = now.filter((status) => status.name === old.name && status.state?.terminated === undefined);
    return back.map(() =>
      fieldError.forbidden(`status.${list}[${i}].state`, "may not be transitioned to non-terminated state")
    );
  });
}

function claimErrors({ status, spec }: Pod): FieldError[] {
  const seen = new Set<string>();
  return (status.resourceClaimStatuses ?? []).flatMap(({ name, resourceClaimName }, i) => {
    const path = `status.resourceClaimStatuses[${i}].name`;
    const errors: FieldError[] = [];
    if (!(spec.resourceClaims ?? []).some((claim) => claim.name === name)) {
      errors.push(fieldError.invalid(path, name, "must match the name of an entry in `spec.resourceClaims`"));
    }
    if (seen.has(name)) errors.push(fieldError.duplicate(path, name));
    seen.add(name);
    if (resourceClaimName === undefined) return errors;
    return [
      ...errors,
      ...isDNS1123Subdomain(resourceClaimName).map((m) => fieldError.invalid(path, resourceClaimName, m)),
    ];
  });
}

/** At most one address of each family. */
function ipErrors(list: "podIPs" | "hostIPs", status: PodStatus): FieldError[] {
  const path = `status.${list}`;
  const ips = (status[list] ?? []).map(({ ip }) => ip ?? "");
  const errors = ips.flatMap((ip, i) => isValidIP(ip).map((m) => fieldError.invalid(`${path}[${i}]`, ip, m)));
  if (ips.length < 2) return errors;
  const dual = ips.length === 2 && ips.filter(isIPv4).length === 1;
  if (!dual) errors.push(fieldError.invalid(path, status[list], "may specify no more than one IP for each IP family"));
  ips.forEach((ip, i) => {
    if (ips.indexOf(ip) < i) errors.push(fieldError.duplicate(`${path}[${i}]`, ip));
  });
  return errors;
}

function hostIpErrors(status: PodStatus): FieldError[] {
  const first = status.hostIPs?.[0]?.ip;
  if (first === undefined) return [];
  const errors = ipErrors("hostIPs", status);
  if (status.hostIP === first) return errors;
  return [fieldError.invalid("status.hostIPs[0].ip", first, "must be equal to `hostIP`"), ...errors];
}

function userErrors(statuses: readonly ContainerStatus[], list: string, os = "linux"): FieldError[] {
  return statuses.flatMap(({ user }, i) => {
    const linux = user?.linux;
    if (linux === undefined) return [];
    const path = `${list}[${i}].linux`;
    if (os === "windows") return [fieldError.forbidden(path, "cannot be set for a windows pod")];
    const ids: [string, number][] = [["uid", linux.uid], ["gid", linux.gid]];
    (linux.supplementalGroups ?? []).forEach((id, j) => ids.push([`supplementalGroups[${j}]`, id]));
    return ids.flatMap(([name, id]) => isValidUserID(id).map((m) => fieldError.invalid(`${path}.${name}`, id, m)));
  });
}
