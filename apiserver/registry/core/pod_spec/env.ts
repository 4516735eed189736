/** Environment variables and where their values come from. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  Container,
  EnvFromSource,
  EnvVar,
  EnvVarSource,
  FileKeySelector,
  PodSpec,
} from "../../../../lib/types/core_v1.ts";
import { isConfigMapKey, isRelaxedEnvVarName } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkDNSLabel, checkDNSSubdomain, checkDNSSubdomainPrefix } from "./checks.ts";
import {
  defaultFieldRef,
  defaultResourceFieldRef,
  envFields,
  validateFieldRef,
  validateResourceFieldRef,
} from "./downward.ts";
import { checkNoBacksteps } from "./paths.ts";
import { visitContainers } from "./visit.ts";

export function defaultEnv(env: readonly EnvVar[] | undefined): void {
  for (const { valueFrom } of env ?? []) {
    defaultFieldRef(valueFrom?.fieldRef);
    defaultResourceFieldRef(valueFrom?.resourceFieldRef);
  }
}

export function validateEnv(env: readonly EnvVar[] | undefined, path: string): FieldError[] {
  return (env ?? []).flatMap((variable, i) => {
    const at = `${path}[${i}]`;
    const errors = variable.name
      ? invalids(`${at}.name`, variable.name, isRelaxedEnvVarName(variable.name))
      : [fieldError.required(`${at}.name`)];
    if (variable.valueFrom === undefined) return errors;
    return [...errors, ...validateValueFrom(variable.valueFrom, variable.value ?? "", `${at}.valueFrom`)];
  });
}

function validateValueFrom(from: EnvVarSource, value: string, path: string): FieldError[] {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = from;
  const errors: FieldError[] = [];
  if (fieldRef) errors.push(...validateFieldRef(fieldRef, envFields, `${path}.fieldRef`));
  if (resourceFieldRef) errors.push(...validateResourceFieldRef(resourceFieldRef, "env", `${path}.resourceFieldRef`));
  if (configMapKeyRef) errors.push(...validateKeyRef(configMapKeyRef, `${path}.configMapKeyRef`));
  if (secretKeyRef) errors.push(...validateKeyRef(secretKeyRef, `${path}.secretKeyRef`));
  if (fileKeyRef) errors.push(...validateFileKeyRef(fileKeyRef, `${path}.fileKeyRef`));
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length;
  if (sources === 0) {
    const names = "`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
    errors.push(fieldError.invalid(path, "", `must specify one of: ${names}`));
  } else if (value !== "") {
    errors.push(fieldError.invalid(path, "", "may not be specified when `value` is not empty"));
  } else if (sources > 1) {
    errors.push(fieldError.invalid(path, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function validateKeyRef({ name = "", key }: { name?: string; key: string }, path: string): FieldError[] {
  const errors = checkDNSSubdomain(name, `${path}.name`);
  if (!key) return [...errors, fieldError.required(`${path}.key`)];
  return [...errors, ...invalids(`${path}.key`, key, isConfigMapKey(key))];
}

function validateFileKeyRef({ key, volumeName, path: file }: FileKeySelector, path: string): FieldError[] {
  return [
    ...(key ? invalids(`${path}.key`, key, isRelaxedEnvVarName(key)) : [fieldError.required(`${path}.key`)]),
    ...(volumeName ? checkDNSLabel(volumeName, `${path}.volumeName`) : [fieldError.required(`${path}.volumeName`)]),
    ...(file ? checkNoBacksteps(file, `${path}.path`) : [fieldError.required(`${path}.path`)]),
  ];
}

/** Files with environment variables are written by other containers of the pod, so they are in an emptyDir. */
export function validateFileKeyRefVolumes(spec: PodSpec, path: string): FieldError[] {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return visitContainers(spec, path).flatMap(([container, at]) =>
    (container.env ?? []).flatMap(({ valueFrom }, i) => {
      const ref = valueFrom?.fileKeyRef;
      if (ref === undefined) return [];
      const field = `${at}.env[${i}].valueFrom.fileKeyRef.volumeName`;
      const volume = volumes.get(ref.volumeName);
      if (volume === undefined) return [fieldError.notFound(field, ref.volumeName ?? "")];
      if (volume.emptyDir !== undefined) return [];
      return [fieldError.invalid(field, ref.volumeName, "referenced volume must be of type emptyDir")];
    })
  );
}

export function validateEnvFrom(sources: Container["envFrom"], path: string): FieldError[] {
  return (sources ?? []).flatMap((source, i) => validateEnvSource(source, path, `${path}[${i}]`));
}

/** Kubernetes tells of missing and doubled sources at the list, not at the element. */
function validateEnvSource(
  { prefix, configMapRef, secretRef }: EnvFromSource,
  list: string,
  path: string,
): FieldError[] {
  const errors = prefix ? invalids(`${path}.prefix`, prefix, isRelaxedEnvVarName(prefix)) : [];
  if (configMapRef) errors.push(...validateNameRef(configMapRef.name, `${path}.configMapRef.name`));
  if (secretRef) errors.push(...validateNameRef(secretRef.name, `${path}.secretRef.name`));
  if (!configMapRef && !secretRef) {
    errors.push(fieldError.invalid(list, "", "must specify one of: `configMapRef` or `secretRef`"));
  } else if (configMapRef && secretRef) {
    errors.push(fieldError.invalid(list, "", "may not have more than one field specified at a time"));
  }
  return errors;
}

function validateNameRef(name: string | undefined, path: string): FieldError[] {
  return name ? checkDNSSubdomainPrefix(name, path) : [fieldError.required(path)];
}
