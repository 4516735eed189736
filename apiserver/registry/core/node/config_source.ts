/** Where a kubelet once took its configuration from; not used any more, but still validated (validateNodeConfigSource…). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { ConfigMapNodeConfigSource, NodeConfigSource, NodeConfigStatus } from "../../../../lib/types/core_v1.ts";
import { isConfigMapKey, isDNS1123Label, isDNS1123Subdomain } from "../../../../lib/validation.ts";

/** `part`: uid and resourceVersion must not be said in a spec, and must be in a status. */
export function validateConfigSource(
  source: NodeConfigSource | undefined,
  path: string,
  part: "spec" | "status",
): FieldError[] {
  if (source === undefined) return [];
  if (source.configMap === undefined) {
    return [fieldError.invalid(path, source, "exactly one reference subfield must be non-nil")];
  }
  const { configMap } = source;
  const at = `${path}.configMap`;
  const errors: FieldError[] = [];
  for (const name of ["uid", "resourceVersion"] as const) {
    if (part === "spec" && configMap[name]) {
      errors.push(fieldError.forbidden(`${at}.${name}`, `${name} must not be set in spec`));
    }
    if (part === "status" && !configMap[name]) {
      errors.push(fieldError.required(`${at}.${name}`, `${name} must be set in status`));
    }
  }
  return [...errors, ...validateConfigMap(configMap, at)];
}

function validateConfigMap(configMap: ConfigMapNodeConfigSource, path: string): FieldError[] {
  const rules = [["namespace", isDNS1123Label], ["name", isDNS1123Subdomain], [
    "kubeletConfigKey",
    isConfigMapKey,
  ]] as const;
  return rules.flatMap(([name, rule]) => {
    const value = configMap[name];
    if (!value) return [fieldError.required(`${path}.${name}`, `${name} must be set`)];
    return rule(value).map((message) => fieldError.invalid(`${path}.${name}`, value, message));
  });
}

export function validateConfigStatus(config: NodeConfigStatus | undefined): FieldError[] {
  const parts = ["assigned", "active", "lastKnownGood"] as const;
  return parts.flatMap((name) => validateConfigSource(config?.[name], `status.config.${name}`, "status"));
}
