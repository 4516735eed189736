/** Users, groups, privileges and profiles of a pod and of its containers. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec, SecurityContext } from "../../../../lib/types/core_v1.ts";
import { isValidGroupID, isValidUserID } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkSupported } from "./checks.ts";
import { validateAppArmorProfile, validateSeccompProfile } from "./profiles.ts";
import { validateSysctls } from "./sysctls.ts";
import { validateWindowsOptions } from "./windows_options.ts";

function validateId(id: number | undefined, check: (id: number) => string[], path: string): FieldError[] {
  return id === undefined ? [] : invalids(path, id, check(id));
}

/** The pod's; `path` is that of its security context. */
export function validatePodSecurityContext(spec: PodSpec, path: string): FieldError[] {
  const context = spec.securityContext;
  if (context === undefined) return [];
  const optional = (value: string | undefined, field: string, supported: readonly string[]) =>
    value === undefined ? [] : checkSupported(value, `${path}.${field}`, supported);
  const groups = (context.supplementalGroups ?? []).flatMap((id, i) =>
    validateId(id, isValidGroupID, `${path}.supplementalGroups[${i}]`)
  );
  return [
    ...validateId(context.fsGroup, isValidGroupID, `${path}.fsGroup`),
    ...validateId(context.runAsUser, isValidUserID, `${path}.runAsUser`),
    ...validateId(context.runAsGroup, isValidGroupID, `${path}.runAsGroup`),
    ...groups,
    ...validateProcessNamespace(spec, path),
    ...validateSysctls(spec, `${path}.sysctls`),
    ...optional(context.fsGroupChangePolicy, "fsGroupChangePolicy", ["Always", "OnRootMismatch"]),
    ...validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`),
    ...validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`),
    ...validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`),
    ...optional(context.supplementalGroupsPolicy, "supplementalGroupsPolicy", ["Merge", "Strict"]),
    ...optional(context.seLinuxChangePolicy, "seLinuxChangePolicy", ["MountOption", "Recursive"]),
  ];
}

function validateProcessNamespace(spec: PodSpec, path: string): FieldError[] {
  if (!spec.shareProcessNamespace || !spec.hostPID) return [];
  const detail = "ShareProcessNamespace and HostPID cannot both be enabled";
  return [fieldError.invalid(`${path}.shareProcessNamespace`, true, detail)];
}

/** A container's. `hostUsers`: the pod has no user namespace of its own. */
export function validateSecurityContext(
  context: SecurityContext | undefined,
  { hostUsers }: { hostUsers: boolean },
  path: string,
): FieldError[] {
  if (context === undefined) return [];
  return [
    ...validateId(context.runAsUser, isValidUserID, `${path}.runAsUser`),
    ...validateId(context.runAsGroup, isValidGroupID, `${path}.runAsGroup`),
    ...validateProcMount(context.procMount, { hostUsers }, `${path}.procMount`),
    ...validateSeccompProfile(context.seccompProfile, `${path}.seccompProfile`),
    ...validateEscalation(context, path),
    ...validateWindowsOptions(context.windowsOptions, `${path}.windowsOptions`),
    ...validateAppArmorProfile(context.appArmorProfile, `${path}.appArmorProfile`),
  ];
}

function validateProcMount(
  procMount: string | undefined,
  { hostUsers }: { hostUsers: boolean },
  path: string,
): FieldError[] {
  if (procMount === undefined) return [];
  const errors = checkSupported(procMount, path, ["Default", "Unmasked"]);
  if (hostUsers && procMount === "Unmasked") {
    errors.push(fieldError.invalid(path, procMount, "`hostUsers` must be false to use `Unmasked`"));
  }
  return errors;
}

function validateEscalation(context: SecurityContext, path: string): FieldError[] {
  if (context.allowPrivilegeEscalation !== false) return [];
  const errors: FieldError[] = [];
  const conflict = "cannot set `allowPrivilegeEscalation` to false and";
  if (context.privileged) errors.push(fieldError.invalid(path, context, `${conflict} \`privileged\` to true`));
  for (const capability of context.capabilities?.add ?? []) {
    if (capability !== "CAP_SYS_ADMIN") continue;
    errors.push(fieldError.invalid(path, context, `${conflict} \`capabilities.Add\` CAP_SYS_ADMIN`));
  }
  return errors;
}
