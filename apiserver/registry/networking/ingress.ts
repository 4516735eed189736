/** Ingress: rules by which HTTP requests from outside reach Services. Whoever serves them is a controller of the user's. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { Ingress as kind } from "../../../lib/types/kinds.ts";
import type {
  HTTPIngressPath,
  Ingress,
  IngressRule,
  IngressSpec,
  IngressTLS,
} from "../../../lib/types/networking_v1.ts";
import { isDNS1123Subdomain, isWildcardDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { validateIP } from "../meta/ip_address.ts";
import { invalids } from "../meta/messages.ts";
import { validateBackend } from "./ingress_backend.ts";
import { parseIp } from "./ip_network.ts";

const classAnnotation = "kubernetes.io/ingress.class";
const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const wrongSequences = ["//", "/./", "/../", "%2f", "%2F"];
const wrongSuffixes = ["/..", "/."];
const notAnAddress = "must be a DNS name, not an IP address";
const shownHostsMax = 3;

function validate({ spec }: Ingress): FieldError[] {
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && defaultBackend === undefined) {
    errors.push(fieldError.invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  if (defaultBackend !== undefined) errors.push(...validateBackend(defaultBackend, "spec.defaultBackend"));
  rules.forEach((rule, i) => errors.push(...validateRule(rule, `spec.rules[${i}]`)));
  tls.forEach((entry, i) => errors.push(...validateTls(entry, `spec.tls[${i}]`)));
  if (ingressClassName === undefined) return errors;
  return [...errors, ...invalids("spec.ingressClassName", ingressClassName, isDNS1123Subdomain(ingressClassName))];
}

const hostErrors = (host: string) => host.includes("*") ? isWildcardDNS1123Subdomain(host) : isDNS1123Subdomain(host);

function validateRule({ host = "", http }: IngressRule, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (host !== "") {
    if (parseIp(host) !== undefined) errors.push(fieldError.invalid(`${path}.host`, host, notAnAddress));
    errors.push(...invalids(`${path}.host`, host, hostErrors(host)));
  }
  if (http === undefined) return errors;
  const paths = http.paths ?? [];
  if (paths.length === 0) errors.push(fieldError.required(`${path}.http.paths`));
  paths.forEach((entry, i) => errors.push(...validatePath(entry, `${path}.http.paths[${i}]`)));
  return errors;
}

function validatePath(entry: HTTPIngressPath, path: string): FieldError[] {
  const { pathType, path: value = "" } = entry;
  if (pathType === undefined) return [fieldError.required(`${path}.pathType`, "pathType must be specified")];
  const errors: FieldError[] = [];
  const wrong = (detail: string) => errors.push(fieldError.invalid(`${path}.path`, value, detail));
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!value.startsWith("/")) wrong("must be an absolute path");
    for (const part of wrongSequences) if (value.includes(part)) wrong(`must not contain '${part}'`);
    for (const part of wrongSuffixes) if (value.endsWith(part)) wrong(`cannot end with '${part}'`);
  } else if (pathType === "ImplementationSpecific") {
    if (value !== "" && !value.startsWith("/")) wrong("must be an absolute path");
  } else errors.push(fieldError.notSupported(`${path}.pathType`, pathType, pathTypes));
  return [...errors, ...validateBackend(entry.backend, `${path}.backend`)];
}

function validateTls({ hosts = [], secretName = "" }: IngressTLS, path: string): FieldError[] {
  const errors = hosts.flatMap((host, i) => invalids(`${path}.hosts[${i}]`, host, hostErrors(host)));
  if (secretName === "") return errors;
  return [...errors, ...invalids(`${path}.secretName`, secretName, isDNS1123Subdomain(secretName))];
}

function validateCreate({ metadata, spec }: Ingress): FieldError[] {
  const annotation = metadata.annotations?.[classAnnotation];
  if (annotation === undefined || spec.ingressClassName === undefined || annotation === spec.ingressClassName) {
    return [];
  }
  const detail = "must match `ingressClassName` when both are specified";
  return [fieldError.invalid(`annotations.${classAnnotation}`, annotation, detail)];
}

function validateStatus({ status }: Ingress): FieldError[] {
  return (status?.loadBalancer?.ingress ?? []).flatMap(({ ip = "", hostname = "" }, i) => {
    const at = `status.loadBalancer.ingress[${i}]`;
    const errors = ip === "" ? [] : validateIP(ip, `${at}.ip`);
    if (hostname === "") return errors;
    errors.push(...invalids(`${at}.hostname`, hostname, isDNS1123Subdomain(hostname)));
    if (parseIp(hostname) !== undefined) errors.push(fieldError.invalid(`${at}.hostname`, hostname, notAnAddress));
    return errors;
  });
}

/** Whatever comes after the third host is "more"; counted are rules, not hosts, as in Kubernetes. */
function formatHosts({ rules = [] }: IngressSpec): string {
  const shown: string[] = [];
  let more = false;
  for (const { host } of rules) {
    if (shown.length === shownHostsMax) more = true;
    else if (host) shown.push(host);
  }
  if (shown.length === 0) return "*";
  return more ? `${shown.join(",")} + ${rules.length - shownHostsMax} more...` : shown.join(",");
}

function formatAddresses({ status }: Ingress): string {
  const addresses = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
  return [...new Set(addresses.filter((address) => address !== ""))].sort().join(",");
}

export const ingress: Resource<Ingress> = defineResource<Ingress>(kind, {
  definition: "io.k8s.api.networking.v1.Ingress",
  shortNames: ["ing"],
  status: true,
  defaults(object) {
    object.spec ??= {};
    (object.status ??= {}).loadBalancer ??= {};
  },
  prepareCreate(object) {
    object.status = { loadBalancer: {} };
  },
  validate,
  validateCreate,
  validateStatus,
  warnings({ metadata, spec }, old) {
    const deprecated = old === undefined && metadata.annotations?.[classAnnotation] !== undefined &&
      spec.ingressClassName === undefined;
    if (!deprecated) return [];
    return [`annotation ${JSON.stringify(classAnnotation)} is deprecated, please use 'spec.ingressClassName' instead`];
  },
  columns: [
    nameColumn,
    { name: "Class", type: "string", value: ({ spec }) => spec.ingressClassName ?? "<none>" },
    { name: "Hosts", type: "string", value: ({ spec }) => formatHosts(spec) },
    { name: "Address", type: "string", value: formatAddresses },
    { name: "Ports", type: "string", value: ({ spec }) => (spec.tls ?? []).length > 0 ? "80, 443" : "80" },
    ageColumn,
  ],
}, isDNS1123Subdomain);
