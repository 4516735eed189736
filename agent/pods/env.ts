/**
 * A container's environment: envFrom, env with `$(VAR)` and valueFrom, then the Services' variables, as kubelet's
 * makeEnvironmentVariables. Pure: what is referenced arrives as functions. fileKeyRef (alpha in 1.36) is refused.
 */
import { Buffer } from "node:buffer";
import type { ConfigMap, Container, EnvVarSource, Pod, Secret } from "../../lib/types/core_v1.ts";
import { fieldValue, needsPodIP, resourceValue, type Surroundings } from "./downward.ts";
import { expand } from "./expansion.ts";
import { members } from "./pod_spec.ts";

/** What a container asks for and does not exist (yet), or cannot be given: CreateContainerConfigError. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

export interface EnvSources {
  /** In the pod's namespace; undefined when there is none. Throws ConfigError while nobody knows. */
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
  readonly services: Readonly<Record<string, string>>;
  readonly around: Surroundings;
}

const decode = (base64: string) => Buffer.from(base64, "base64").toString("utf8");
/** Any printable ASCII character but `=` (RelaxedEnvironmentVariableValidation). */
const variableName = /^[ -<>-~]+$/;

/** Names in the order in which they were set, values expanded. Throws ConfigError in Kubernetes' words. */
export function makeEnv(pod: Pod, container: Container, sources: EnvSources): ReadonlyMap<string, string> {
  const env = new Map<string, string>();
  for (const from of container.envFrom ?? []) {
    for (const [key, value] of Object.entries(envFrom(from, sources))) {
      const name = `${from.prefix ?? ""}${key}`;
      if (variableName.test(name)) env.set(name, value);
    }
  }
  const lookup = (name: string) =>
    env.get(name) ?? (Object.hasOwn(sources.services, name) ? sources.services[name] : undefined);
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom === undefined
      ? expand(variable.value ?? "", lookup)
      : valueFrom(pod, container, variable.valueFrom, sources);
    // An optional key that is missing leaves the variable unset.
    if (value !== undefined) env.set(variable.name, value);
  }
  for (const [name, value] of Object.entries(sources.services)) if (!env.has(name)) env.set(name, value);
  return env;
}

function envFrom(
  { configMapRef, secretRef }: NonNullable<Container["envFrom"]>[number],
  sources: EnvSources,
): Record<string, string> {
  if (configMapRef !== undefined) {
    const name = configMapRef.name ?? "";
    const found = sources.configMap(name);
    if (found === undefined && configMapRef.optional !== true) throw new ConfigError(`configmap "${name}" not found`);
    return found?.data ?? {};
  }
  if (secretRef === undefined) return {};
  const name = secretRef.name ?? "";
  const found = sources.secret(name);
  if (found === undefined && secretRef.optional !== true) throw new ConfigError(`secret "${name}" not found`);
  return Object.fromEntries(Object.entries(found?.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

function valueFrom(pod: Pod, container: Container, from: EnvVarSource, sources: EnvSources): string | undefined {
  if (from.fieldRef !== undefined) return fieldValue(pod, from.fieldRef, sources.around);
  if (from.resourceFieldRef !== undefined) {
    const name = from.resourceFieldRef.containerName;
    const of = name === undefined || name === ""
      ? container
      : members(pod).find((m) => m.container.name === name)?.container;
    if (of === undefined) throw new ConfigError(`container ${name} not found`);
    return resourceValue(of, from.resourceFieldRef, sources.around);
  }
  if (from.configMapKeyRef !== undefined) {
    const { name = "", key, optional } = from.configMapKeyRef;
    const found = sources.configMap(name);
    if (found === undefined && optional !== true) throw new ConfigError(`configmap "${name}" not found`);
    const value = own(found?.data, key);
    if (value === undefined && optional !== true) {
      throw new ConfigError(`couldn't find key ${key} in ConfigMap ${pod.metadata.namespace}/${name}`);
    }
    return value;
  }
  if (from.secretKeyRef !== undefined) {
    const { name = "", key, optional } = from.secretKeyRef;
    const found = sources.secret(name);
    if (found === undefined && optional !== true) throw new ConfigError(`secret "${name}" not found`);
    const value = own(found?.data, key);
    if (value === undefined && optional !== true) {
      throw new ConfigError(`couldn't find key ${key} in Secret ${pod.metadata.namespace}/${name}`);
    }
    return value === undefined ? undefined : decode(value);
  }
  throw new ConfigError("fileKeyRef is not supported by this agent");
}

const own = (map: Readonly<Record<string, string>> | undefined, key: string) =>
  map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined;

/** True when the environment can be made only once the pod has its address. */
export function envNeedsPodIP(container: Container): boolean {
  return (container.env ?? []).some(({ valueFrom }) =>
    valueFrom?.fieldRef !== undefined && needsPodIP(valueFrom.fieldRef)
  );
}

/** Names of the configmaps and secrets that a container's environment is made from. */
export function envReferences(container: Container): { configMaps: string[]; secrets: string[] } {
  const configMaps = new Set<string>();
  const secrets = new Set<string>();
  for (const { configMapRef, secretRef } of container.envFrom ?? []) {
    if (configMapRef?.name !== undefined) configMaps.add(configMapRef.name);
    if (secretRef?.name !== undefined) secrets.add(secretRef.name);
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.configMapKeyRef?.name !== undefined) configMaps.add(valueFrom.configMapKeyRef.name);
    if (valueFrom?.secretKeyRef?.name !== undefined) secrets.add(valueFrom.secretKeyRef.name);
  }
  return { configMaps: [...configMaps], secrets: [...secrets] };
}
