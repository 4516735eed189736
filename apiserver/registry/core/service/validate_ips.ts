/**
 * Cluster IPs and their families (ValidateServiceClusterIPsRelatedFields), and what of them a cluster of one family can
 * give (initIPFamilyFields).
 */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Service } from "../../../../lib/types/core_v1.ts";
import { validateIP } from "../../meta/ip_address.ts";
import { clusterFamily, familyOf } from "./prepare.ts";
import { isHeadless, needsClusterIP } from "./traits.ts";

const ipsPath = "spec.clusterIPs";
const familiesPath = "spec.ipFamilies";
const policyPath = "spec.ipFamilyPolicy";
const families = ["IPv4", "IPv6"];
const policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];

export function validateClusterIPs(service: Service): FieldError[] {
  if (!needsClusterIP(service)) return [];
  const errors = [...validatePair(service), ...validateFamilies(service)];
  const wrong = validateAddresses(service);
  errors.push(...wrong);
  const { clusterIPs = [] } = service.spec;
  if (clusterIPs.length > 2) errors.push(fieldError.invalid(ipsPath, clusterIPs, "may only hold up to 2 values"));
  if (wrong.length > 0) return errors;
  if (clusterIPs.length > 1 && (clusterIPs.length > 2 || familyOf(clusterIPs[0]!) === familyOf(clusterIPs[1]!))) {
    errors.push(fieldError.invalid(ipsPath, clusterIPs, "may specify no more than one IP for each IP family"));
  }
  errors.push(...validateMatch(service));
  return errors.length > 0 ? errors : validateConfigured(service);
}

/** The singular must be the first of the plural. */
function validatePair({ spec: { clusterIP, clusterIPs = [] } }: Service): FieldError[] {
  if (clusterIP === undefined) {
    if (clusterIPs.length === 0) return [];
    return [fieldError.invalid(ipsPath, clusterIPs, "must be empty when `clusterIP` is not specified")];
  }
  if (clusterIPs.length === 0) return [fieldError.required(ipsPath)];
  if (clusterIPs[0] === clusterIP) return [];
  return [fieldError.invalid(ipsPath, clusterIPs, "first value must match `clusterIP`")];
}

function validateFamilies({ spec: { ipFamilies = [], ipFamilyPolicy } }: Service): FieldError[] {
  const errors: FieldError[] = [];
  ipFamilies.forEach((family, i) => {
    const path = `${familiesPath}[${i}]`;
    if (!families.includes(family)) errors.push(fieldError.notSupported(path, family, families));
    if (ipFamilies.indexOf(family) < i) errors.push(fieldError.duplicate(path, family));
  });
  if (ipFamilyPolicy !== undefined && !policies.includes(ipFamilyPolicy)) {
    errors.push(fieldError.notSupported(policyPath, ipFamilyPolicy, policies));
  }
  return errors;
}

/** `None` may stand at the first place only, and alone. */
function validateAddresses({ spec: { clusterIPs = [] } }: Service): FieldError[] {
  return clusterIPs.flatMap((ip, i) => {
    if (i > 0 || ip !== "None") return validateIP(ip, `${ipsPath}[${i}]`);
    if (clusterIPs.length === 1) return [];
    return [fieldError.invalid(ipsPath, clusterIPs, "'None' must be the first and only value")];
  });
}

function validateMatch(service: Service): FieldError[] {
  if (isHeadless(service)) return [];
  const { clusterIPs = [], ipFamilies = [] } = service.spec;
  return clusterIPs.flatMap((ip, i) => {
    const family = ipFamilies[i];
    if (family === undefined || family === familyOf(ip)) return [];
    const detail = `expected an ${family} value as indicated by \`ipFamilies[${i}]\``;
    return [fieldError.invalid(`${ipsPath}[${i}]`, ip, detail)];
  });
}

/** What a cluster of one family can't give. */
function validateConfigured(service: Service): FieldError[] {
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy, selector = {} } = service.spec;
  const errors: FieldError[] = [];
  if (ipFamilyPolicy === "SingleStack") {
    const detail = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
    if (clusterIPs.length === 2) {
      errors.push(fieldError.invalid(policyPath, ipFamilyPolicy, `${detail} cluster IPs are specified`));
    }
    if (ipFamilies.length === 2) {
      errors.push(fieldError.invalid(policyPath, ipFamilyPolicy, `${detail} IP families are specified`));
    }
  }
  if (!isHeadless(service)) {
    clusterIPs.slice(ipFamilies.length).filter((ip) => familyOf(ip) !== clusterFamily).forEach((ip) => {
      const path = `${ipsPath}[${clusterIPs.indexOf(ip)}]`;
      errors.push(fieldError.invalid(path, clusterIPs, `${familyOf(ip)} is not configured on this cluster`));
    });
  }
  // The endpoints of such a Service are its owner's business.
  const free = isHeadless(service) && Object.keys(selector).length === 0;
  if (errors.length > 0 || free) return errors;
  if (ipFamilyPolicy === "RequireDualStack") {
    const detail = "this cluster is not configured for dual-stack services";
    errors.push(fieldError.invalid(policyPath, ipFamilyPolicy, detail));
  }
  ipFamilies.forEach((family, i) => {
    if (family === clusterFamily) return;
    errors.push(fieldError.invalid(`${familiesPath}[${i}]`, family, "not configured on this cluster"));
  });
  return errors;
}
