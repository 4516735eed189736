/** Names: how a pod resolves them, and what it is called itself. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { HostAlias, PodSpec } from "../../../../lib/types/core_v1.ts";
import { dns1123SubdomainBytesMax, maxLengthError, regexError, utf8Length } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { validateIP } from "../../meta/ip_address.ts";
import { checkDNSLabel, checkDNSSubdomain, checkRequiredEnum } from "./checks.ts";

/** What libc's resolver takes. */
const nameserversMax = 3;
const searchesMax = 32;
const searchCharactersMax = 2048;
const hostnameBytesMax = 64;

const policies = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];

export function validateDNSPolicy(policy: string | undefined, path: string): FieldError[] {
  return checkRequiredEnum(policy, path, policies);
}

/** `path` is that of dnsConfig. */
export function validateDNSConfig({ dnsConfig, dnsPolicy }: PodSpec, path: string): FieldError[] {
  const { nameservers = [], searches = [], options = [] } = dnsConfig ?? {};
  if (dnsPolicy === "None" && dnsConfig === undefined) {
    return [fieldError.required(path, "must provide `dnsConfig` when `dnsPolicy` is None")];
  }
  if (dnsPolicy === "None" && nameservers.length === 0) {
    const detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
    return [fieldError.required(`${path}.nameservers`, detail)];
  }
  const errors: FieldError[] = [];
  const exceeds = (field: string, value: readonly string[], what: string) =>
    errors.push(fieldError.invalid(`${path}.${field}`, value, `must not have more than ${what}`));
  if (nameservers.length > nameserversMax) exceeds("nameservers", nameservers, `${nameserversMax} nameservers`);
  nameservers.forEach((address, i) => errors.push(...validateIP(address, `${path}.nameservers[${i}]`)));
  if (searches.length > searchesMax) exceeds("searches", searches, `${searchesMax} search paths`);
  if (utf8Length(searches.join(" ")) > searchCharactersMax) {
    exceeds("searches", searches, `${searchCharactersMax} characters (including spaces) in the search list`);
  }
  searches.forEach((search, i) => {
    // The root alone is allowed, and a dot at the end.
    if (search === ".") return;
    const name = search.endsWith(".") ? search.slice(0, -1) : search;
    errors.push(...invalids(`${path}.searches[${i}]`, name, searchErrors(name)));
  });
  options.forEach(({ name }, i) => {
    if (!name) errors.push(fieldError.required(`${path}.options[${i}]`, "must not be empty"));
  });
  return errors;
}

const label = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const searchFormat = `${label}(\\.${label})*`;
const searchPattern = new RegExp(`^${searchFormat}$`);

/** IsDNS1123SubdomainWithUnderscore: names of services begin with one. */
function searchErrors(name: string): string[] {
  const errors = utf8Length(name) > dns1123SubdomainBytesMax ? [maxLengthError(dns1123SubdomainBytesMax)] : [];
  if (name.length > searchCharactersMax || !searchPattern.test(name)) {
    const message =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
    errors.push(regexError(message, searchFormat, "example.com"));
  }
  return errors;
}

export function validateHostAliases(aliases: readonly HostAlias[] | undefined, path: string): FieldError[] {
  return (aliases ?? []).flatMap(({ ip, hostnames }, i) => [
    ...validateIP(ip ?? "", `${path}[${i}].ip`),
    ...(hostnames ?? []).flatMap((name, j) => checkDNSSubdomain(name, `${path}[${i}].hostnames[${j}]`)),
  ]);
}

/** What a pod is called: `hostname` and `subdomain` are labels. `path` is the spec's. */
export function validateHostname({ hostname, subdomain }: PodSpec, path: string): FieldError[] {
  return [
    ...(hostname ? checkDNSLabel(hostname, `${path}.hostname`) : []),
    ...(subdomain ? checkDNSLabel(subdomain, `${path}.subdomain`) : []),
  ];
}

/** The name that replaces all of it. */
export function validateHostnameOverride(spec: PodSpec, path: string): FieldError[] {
  const name = spec.hostnameOverride;
  if (name === undefined) return [];
  const at = `${path}.hostnameOverride`;
  const errors: FieldError[] = [];
  if (spec.setHostnameAsFQDN) {
    errors.push(fieldError.forbidden(at, "may not be specified when setHostnameAsFQDN is true"));
  }
  if (spec.hostNetwork) errors.push(fieldError.forbidden(at, "may not be specified when hostNetwork is true"));
  if (utf8Length(name) > hostnameBytesMax) errors.push(fieldError.tooLong(at, hostnameBytesMax));
  return [...errors, ...checkDNSSubdomain(name, at)];
}
