/**
 * IPAddress: an address of the cluster's and the object that has it; named as the address. Those of Services are made after the Services
 * have taken their addresses; one that somebody else makes takes its address itself.
 */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { IPAddress as kind } from "../../../lib/types/kinds.ts";
import type { IPAddress } from "../../../lib/types/networking_v1.ts";
import { isDNS1123Subdomain, isValidPathSegmentName } from "../../../lib/validation.ts";
import { type Allocation, defineResource, type Resource } from "../../rest/resource.ts";
import { clusterIPSpace } from "../core/service/cluster_ips.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { canonicalIpErrors } from "./ip_network.ts";
import { validateSegment } from "./object_reference.ts";

const path = "spec.parentRef";

function validate({ spec }: IPAddress): FieldError[] {
  const parent = spec?.parentRef;
  if (parent === undefined) return [fieldError.required(path)];
  const { group = "", namespace = "" } = parent;
  // The core group has no name.
  const errors = group === "" ? [] : invalids(`${path}.group`, group, isDNS1123Subdomain(group));
  errors.push(...validateSegment(parent.resource, `${path}.resource`), ...validateSegment(parent.name, `${path}.name`));
  if (namespace === "") return errors;
  return [...errors, ...invalids(`${path}.namespace`, namespace, isValidPathSegmentName(namespace))];
}

const managerLabel = "ipaddress.kubernetes.io/managed-by";
const manager = "ipallocator.k8s.io";

const takesItself = (object: IPAddress | undefined): object is IPAddress =>
  object !== undefined && object.metadata.labels?.[managerLabel] !== manager;

function allocate(object: IPAddress | undefined, old: IPAddress | undefined): Allocation[] {
  const [had, has] = [takesItself(old), takesItself(object)];
  if (had === has) return [];
  const { name, uid } = (object ?? old)!.metadata;
  const claim = { space: clusterIPSpace, name, owner: uid };
  if (had) return [{ claim: { do: "release", ...claim } }];
  const refused = fieldError.invalid("metadata.name", name, "provided IP is already allocated");
  return [{ claim: { do: "take", ...claim }, refused }];
}

function formatParent({ spec }: IPAddress): string {
  const parent = spec?.parentRef;
  if (parent === undefined) return "<none>";
  const resource = parent.group ? `${parent.resource}.${parent.group}` : parent.resource;
  return [resource.toLowerCase(), parent.namespace, parent.name].filter(Boolean).join("/");
}

export const ipAddress: Resource<IPAddress> = defineResource<IPAddress>(kind, {
  definition: "io.k8s.api.networking.v1.IPAddress",
  shortNames: ["ip"],
  validate,
  validateUpdate: ({ spec }, old) => immutable(spec?.parentRef, old.spec?.parentRef, path),
  allocate,
  columns: [nameColumn, { name: "ParentRef", type: "string", value: formatParent }, ageColumn],
}, canonicalIpErrors);
