/** The operating system that a pod is made for, and the fields that it rules out. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";
import { visitContainers } from "./visit.ts";

/** `path` is the spec's. */
export function validateOS(spec: PodSpec, path: string): FieldError[] {
  if (spec.os === undefined) return [];
  switch (spec.os.name ?? "") {
    case "":
      return [fieldError.required(`${path}.os.name`, "cannot be empty")];
    case "linux":
      return validateLinux(spec, path);
    case "windows":
      return validateWindows(spec, path);
    default:
      return [fieldError.notSupported(`${path}.os`, spec.os.name, ["linux", "windows"])];
  }
}

function validateLinux(spec: PodSpec, path: string): FieldError[] {
  return [[spec, path] as const, ...visitContainers(spec, path)].flatMap(([of, at]) =>
    of.securityContext?.windowsOptions === undefined ? [] : [
      fieldError.forbidden(`${at}.securityContext.windowsOptions`, "windows options cannot be set for a linux pod"),
    ]
  );
}

const podContextFields = [
  "seccompProfile",
  "fsGroup",
  "fsGroupChangePolicy",
  "sysctls",
] as const;
const podUserFields = [
  "runAsUser",
  "runAsGroup",
  "supplementalGroups",
  "supplementalGroupsPolicy",
  "seLinuxChangePolicy",
] as const;
const containerFields = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

function validateWindows(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = <T extends object>(of: T | undefined, fields: readonly (keyof T & string)[], at: string) => {
    for (const field of fields) {
      const value = of?.[field];
      // Booleans that are no pointers in Go are set when they are true; an empty list is no list.
      if (value === undefined || (field.startsWith("host") && field !== "hostUsers" && value === false)) continue;
      if (field === "sysctls" && (value as unknown[]).length === 0) continue;
      errors.push(fieldError.forbidden(`${at}.${field}`, "cannot be set for a windows pod"));
    }
  };
  const context = `${path}.securityContext`;
  refuse(spec.securityContext, ["appArmorProfile", "seLinuxOptions"], context);
  refuse(spec, ["hostUsers", "hostPID", "hostIPC"], path);
  refuse(spec.securityContext, podContextFields, context);
  refuse(spec, ["shareProcessNamespace"], path);
  refuse(spec.securityContext, podUserFields, context);
  for (const [container, at] of visitContainers(spec, path)) {
    refuse(container.securityContext, containerFields, `${at}.securityContext`);
  }
  return errors;
}
