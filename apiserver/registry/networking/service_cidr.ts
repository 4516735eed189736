/** ServiceCIDR: a range for Services' addresses. Leaves out IPv6, which is refused. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { ServiceCIDR as kind } from "../../../lib/types/kinds.ts";
import type { ServiceCIDR } from "../../../lib/types/networking_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutableMessage } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { canonicalCidrErrors, parseCidr } from "./ip_network.ts";

const path = "spec.cidrs";

function validate({ spec }: ServiceCIDR): FieldError[] {
  const cidrs = spec.cidrs ?? [];
  if (cidrs.length === 0) return [fieldError.required(path, "at least one CIDR required")];
  if (cidrs.length > 2) return [fieldError.invalid(path, spec, "may only hold up to 2 values")];
  const errors = cidrs.flatMap((cidr, i) => invalids(`${path}[${i}]`, cidr, rangeErrors(cidr)));
  const [first, second] = cidrs.map((cidr) => parseCidr(cidr)?.family);
  if (cidrs.length === 2 && first !== undefined && first === second) {
    const detail = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64";
    errors.push(fieldError.invalid(path, cidrs, detail));
  }
  return errors;
}

function rangeErrors(cidr: string): string[] {
  const errors = canonicalCidrErrors(cidr);
  if (errors.length > 0 || parseCidr(cidr)?.family === 4) return errors;
  return ["IPv6 is not supported yet: give an IPv4 range"];
}

/** A second family may join; nothing else changes while Services have addresses. */
function validateUpdate({ spec }: ServiceCIDR, old: ServiceCIDR): FieldError[] {
  const [now, before] = [spec.cidrs ?? [], old.spec.cidrs ?? []];
  const joined = before.length === 1 && now.length === 2;
  if (now.length !== before.length && !joined) return [fieldError.invalid(path, now, immutableMessage)];
  return before.flatMap((cidr, i) => {
    return cidr === now[i] ? [] : [fieldError.invalid(`${path}[${i}]`, now[i], immutableMessage)];
  });
}

export const serviceCidr: Resource<ServiceCIDR> = defineResource<ServiceCIDR>(kind, {
  definition: "io.k8s.api.networking.v1.ServiceCIDR",
  status: true,
  generation: false,
  defaults(object) {
    object.spec ??= {};
  },
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { name: "CIDRs", type: "string", value: ({ spec }) => (spec.cidrs ?? []).join(",") },
    ageColumn,
  ],
}, isDNS1123Subdomain);
