/** How traffic gets to a Service's endpoints: affinity, policies, load balancers (pkg/apis/core/validation). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { LoadBalancerIngress, Service, ServiceSpec } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain, isIPv4, isIPv6, isQualifiedName, isValidPortNum } from "../../../../lib/validation.ts";
import { validateCIDR, validateIP } from "../../meta/ip_address.ts";
import { isExternallyAccessible, needsHealthCheck } from "./traits.ts";

const affinitySecondsMax = 86400;
const affinities = ["ClientIP", "None"];
const policies = ["Cluster", "Local"];
const distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"];
const sourceRangesKey = "service.beta.kubernetes.io/load-balancer-source-ranges";
const onlyBalanced = "may only be used when `type` is 'LoadBalancer'";

export function validateAffinity({ sessionAffinity, sessionAffinityConfig: config }: ServiceSpec): FieldError[] {
  const path = "spec.sessionAffinity";
  if (!sessionAffinity) return [fieldError.required(path)];
  if (!affinities.includes(sessionAffinity)) return [fieldError.notSupported(path, sessionAffinity, affinities)];
  const configPath = "spec.sessionAffinityConfig";
  if (sessionAffinity === "None") {
    if (config === undefined) return [];
    return [fieldError.forbidden(configPath, "must not be set when session affinity is None")];
  }
  const when = "when session affinity type is ClientIP";
  if (config === undefined) return [fieldError.required(configPath, when)];
  if (config.clientIP === undefined) return [fieldError.required(`${configPath}.clientIP`, when)];
  const { timeoutSeconds: seconds } = config.clientIP;
  const secondsPath = `${configPath}.clientIP.timeoutSeconds`;
  if (seconds === undefined) return [fieldError.required(secondsPath, when)];
  if (seconds > 0 && seconds <= affinitySecondsMax) return [];
  return [fieldError.invalid(secondsPath, seconds, `must be greater than 0 and less than ${affinitySecondsMax}`)];
}

/** The field, or else the annotation that was there before it. */
export function validateSourceRanges({ spec, metadata }: Service): FieldError[] {
  const { loadBalancerSourceRanges: ranges = [], type } = spec;
  const annotation = metadata.annotations?.[sourceRangesKey];
  if (ranges.length > 0) {
    // Kubernetes' own spelling.
    const path = "spec.LoadBalancerSourceRanges";
    const errors = type === "LoadBalancer" ? [] : [fieldError.forbidden(path, onlyBalanced)];
    return [...errors, ...ranges.flatMap((range, i) => validateCIDR(range.trim(), `${path}[${i}]`))];
  }
  if (annotation === undefined) return [];
  const path = `metadata.annotations[${sourceRangesKey}]`;
  const errors = type === "LoadBalancer" ? [] : [fieldError.forbidden(path, onlyBalanced)];
  const texts = annotation.trim() === "" ? [] : annotation.trim().split(",");
  return [...errors, ...texts.flatMap((text) => validateCIDR(text.trim(), path))];
}

export function validateBalancer(
  { type, allocateLoadBalancerNodePorts, loadBalancerClass }: ServiceSpec,
): FieldError[] {
  if (type !== "LoadBalancer") {
    const set = { allocateLoadBalancerNodePorts, loadBalancerClass };
    return Object.entries(set).filter(([, value]) => value !== undefined).map(([name]) =>
      fieldError.forbidden(`spec.${name}`, onlyBalanced)
    );
  }
  if (loadBalancerClass === undefined) return [];
  const path = "spec.loadBalancerClass";
  return isQualifiedName(loadBalancerClass).map((m) => fieldError.invalid(path, loadBalancerClass, m));
}

export function validatePolicies(service: Service): FieldError[] {
  return [
    ...validateExternalPolicy(service),
    ...validateHealthCheck(service),
    ...validateInternalPolicy(service.spec),
    ...validateDistribution(service.spec),
  ];
}

function validateExternalPolicy(service: Service): FieldError[] {
  const { externalTrafficPolicy: policy = "" } = service.spec;
  const path = "spec.externalTrafficPolicy";
  if (!isExternallyAccessible(service)) {
    if (policy === "") return [];
    return [fieldError.invalid(path, policy, "may only be set for externally-accessible services")];
  }
  if (policy === "") return [fieldError.required(path)];
  return policies.includes(policy) ? [] : [fieldError.notSupported(path, policy, policies)];
}

/** Where one is needed and none is said, one is picked after this. */
function validateHealthCheck(service: Service): FieldError[] {
  const { healthCheckNodePort: port } = service.spec;
  if (!port) return [];
  const path = "spec.healthCheckNodePort";
  if (needsHealthCheck(service)) return isValidPortNum(port).map((m) => fieldError.invalid(path, port, m));
  const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
  return [fieldError.invalid(path, port, detail)];
}

function validateInternalPolicy({ internalTrafficPolicy: policy, type }: ServiceSpec): FieldError[] {
  const path = "spec.internalTrafficPolicy";
  if (policy === undefined) {
    return ["ClusterIP", "LoadBalancer", "NodePort"].includes(type ?? "") ? [fieldError.required(path)] : [];
  }
  return policies.includes(policy) ? [] : [fieldError.notSupported(path, policy, policies)];
}

function validateDistribution({ trafficDistribution: distribution }: ServiceSpec): FieldError[] {
  if (distribution === undefined || distributions.includes(distribution)) return [];
  return [fieldError.notSupported("spec.trafficDistribution", distribution, distributions)];
}

/** Of a status (ValidateLoadBalancerStatus). */
export function validateBalancerStatus({ spec, status }: Service): FieldError[] {
  const path = "status.loadBalancer.ingress";
  const ingress = status.loadBalancer?.ingress ?? [];
  if (spec.type !== "LoadBalancer" && ingress.length > 0) {
    return [fieldError.forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  }
  return ingress.flatMap((one, i) => validateIngress(one, `${path}[${i}]`));
}

const ipModes = ["Proxy", "VIP"];

function validateIngress({ ip = "", ipMode, hostname = "" }: LoadBalancerIngress, path: string): FieldError[] {
  const errors = ip === "" ? [] : validateIP(ip, `${path}.ip`);
  const modePath = `${path}.ipMode`;
  if (ipMode === undefined) {
    if (ip !== "") errors.push(fieldError.required(modePath, "must be specified when `ip` is set"));
  } else if (ip === "") errors.push(fieldError.forbidden(modePath, "may not be specified when `ip` is not set"));
  else if (!ipModes.includes(ipMode)) errors.push(fieldError.notSupported(modePath, ipMode, ipModes));
  if (hostname === "") return errors;
  const at = `${path}.hostname`;
  errors.push(...isDNS1123Subdomain(hostname).map((m) => fieldError.invalid(at, hostname, m)));
  if (isIPv4(hostname) || isIPv6(hostname)) {
    errors.push(fieldError.invalid(at, hostname, "must be a DNS name, not an IP address"));
  }
  return errors;
}
