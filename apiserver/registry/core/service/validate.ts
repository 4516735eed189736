/** What is demanded of a Service (ValidateService, ValidateServiceUpdate); what is left to be picked may be absent. */
import { validateLabels } from "../../../../lib/selector/labels.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Service } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../../lib/validation.ts";
import { validateIP, validateNonSpecialIP } from "../../meta/ip_address.ts";
import { isHeadless, needsHealthCheck } from "./traits.ts";
import { validateClusterIPs } from "./validate_ips.ts";
import { validatePortNumbers, validatePorts } from "./validate_ports.ts";
import {
  validateAffinity,
  validateBalancer,
  validateBalancerStatus,
  validatePolicies,
  validateSourceRanges,
} from "./validate_traffic.ts";

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const hintsKey = "service.kubernetes.io/topology-aware-hints";
const modeKey = "service.kubernetes.io/topology-mode";
const unchangeable = "may not change once set";

export function validateService(service: Service): FieldError[] {
  const { spec } = service;
  return [
    ...validateTopology(service),
    ...validateByType(service),
    ...validatePorts(service),
    ...validateLabels(spec.selector, "spec.selector"),
    ...validateAffinity(spec),
    ...validateClusterIPs(service),
    ...(spec.externalIPs ?? []).flatMap((ip, i) => validateExternalIP(ip, `spec.externalIPs[${i}]`)),
    ...validateTypeName(spec.type),
    ...validatePortNumbers(service),
    ...validateSourceRanges(service),
    ...validateBalancer(spec),
    ...validatePolicies(service),
  ];
}

function validateTopology({ metadata: { annotations = {} } }: Service): FieldError[] {
  const [hints, mode] = [annotations[hintsKey], annotations[modeKey]];
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const detail = `must match annotations[${hintsKey}] when both are specified`;
  return [fieldError.invalid(`metadata.annotations[${modeKey}]`, mode, detail)];
}

function validateByType(service: Service): FieldError[] {
  const { spec } = service;
  if (spec.type === "ExternalName") return validateExternalName(service);
  if ((spec.type !== "LoadBalancer" && spec.type !== "NodePort") || !isHeadless(service)) return [];
  const detail = `may not be set to 'None' for ${spec.type} services`;
  return [fieldError.invalid("spec.clusterIPs[0]", "None", detail)];
}

/** It has a name and no addresses. The name may end in a dot. */
function validateExternalName({ spec }: Service): FieldError[] {
  const detail = "may not be set for ExternalName services";
  const errors: FieldError[] = [];
  if ((spec.clusterIPs ?? []).length > 0) errors.push(fieldError.forbidden("spec.clusterIPs", detail));
  if ((spec.ipFamilies ?? []).length > 0) errors.push(fieldError.forbidden("spec.ipFamilies", detail));
  if (spec.ipFamilyPolicy !== undefined) errors.push(fieldError.forbidden("spec.ipFamilyPolicy", detail));
  const path = "spec.externalName";
  const name = (spec.externalName ?? "").replace(/\.$/, "");
  if (name === "") return [...errors, fieldError.required(path)];
  return [...errors, ...isDNS1123Subdomain(name).map((message) => fieldError.invalid(path, name, message))];
}

function validateExternalIP(ip: string, path: string): FieldError[] {
  const errors = validateIP(ip, path);
  return errors.length > 0 ? errors : validateNonSpecialIP(ip, path);
}

function validateTypeName(type = ""): FieldError[] {
  if (type === "") return [fieldError.required("spec.type")];
  return types.includes(type) ? [] : [fieldError.notSupported("spec.type", type, types)];
}

export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const errors = [...unchangedClusterIPs(service, old), ...unchangedFamilies(service, old)];
  const [now, before] = [service.spec, old.spec];
  const balanced = now.type === "LoadBalancer" && before.type === "LoadBalancer";
  if (balanced && now.loadBalancerClass !== before.loadBalancerClass) {
    errors.push(fieldError.invalid("spec.loadBalancerClass", now.loadBalancerClass ?? null, unchangeable));
  }
  const checked = needsHealthCheck(service) && needsHealthCheck(old);
  if (checked && now.healthCheckNodePort !== before.healthCheckNodePort) {
    errors.push(fieldError.forbidden("spec.healthCheckNodePort", "field is immutable"));
  }
  return errors;
}

/** A cluster IP lasts until its Service becomes an ExternalName; a second one may come and go. */
function unchangedClusterIPs(service: Service, old: Service): FieldError[] {
  if ([service, old].some(({ spec }) => spec.type === "ExternalName") || [service, old].every(isHeadless)) return [];
  const [now, before] = [service.spec.clusterIPs ?? [], old.spec.clusterIPs ?? []];
  const path = "spec.clusterIPs";
  if (before.length === now.length) {
    return before.flatMap((ip, i) => ip === now[i] ? [] : [fieldError.invalid(`${path}[${i}]`, now, unchangeable)]);
  }
  const errors: FieldError[] = [];
  if (now.length === 0) errors.push(fieldError.invalid(`${path}[0]`, now, "primary clusterIP can not be unset"));
  else if (before.length > 0 && now[0] !== before[0]) errors.push(fieldError.invalid(`${path}[0]`, now, unchangeable));
  if (before.length > now.length && now.length === 1) errors.push(...singleStack(service, "clusterIP"));
  return errors;
}

function unchangedFamilies(service: Service, old: Service): FieldError[] {
  if ([service, old].some(({ spec }) => spec.type === "ExternalName") || [service, old].some(isHeadless)) return [];
  const [now, before] = [service.spec.ipFamilies ?? [], old.spec.ipFamilies ?? []];
  const path = "spec.ipFamilies[0]";
  if (before.length === now.length) {
    return before.flatMap((family, i) => family === now[i] ? [] : [fieldError.invalid(path, now, unchangeable)]);
  }
  const errors: FieldError[] = [];
  if (now.length === 0) errors.push(fieldError.invalid(path, now, "primary ipFamily can not be unset"));
  else if (before.length > 0 && now[0] !== before[0]) errors.push(fieldError.invalid(path, now, unchangeable));
  if (before.length > now.length && now.length === 1) errors.push(...singleStack(service, "ipFamily"));
  return errors;
}

function singleStack({ spec: { ipFamilyPolicy } }: Service, what: string): FieldError[] {
  if (ipFamilyPolicy === "SingleStack") return [];
  const detail = `must be set to 'SingleStack' when releasing the secondary ${what}`;
  return [fieldError.invalid("spec.ipFamilyPolicy", ipFamilyPolicy ?? null, detail)];
}

export { validateBalancerStatus as validateServiceStatus };
