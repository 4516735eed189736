/** Names of signers, `example.com/my-signer` (pkg/apis/certificates/validation, ValidateSignerName). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import {
  dns1123LabelBytesMax,
  dns1123SubdomainBytesMax,
  isDNS1123Label,
  isDNS1123Subdomain,
  utf8Length,
} from "../../../lib/validation.ts";

/** A domain, and as its path the namespace and the name of an object. */
const bytesMax = dns1123SubdomainBytesMax + "/".length + dns1123LabelBytesMax + ".".length + dns1123SubdomainBytesMax;
const form = "must be a fully qualified domain and path of the form 'example.com/signer-name'";

export function validateSignerName(name: string, path: string): FieldError[] {
  if (name === "") return [fieldError.required(path)];
  const segments = name.split("/");
  if (segments.length !== 2) return [fieldError.invalid(path, name, form)];
  const [domain = "", rest = ""] = segments;
  const errors: FieldError[] = [];
  if (utf8Length(domain) > dns1123SubdomainBytesMax) errors.push(fieldError.tooLong(path, dns1123SubdomainBytesMax));
  errors.push(...firstWrongLabel(domain, isDNS1123Label, path));
  if (!domain.includes(".")) {
    errors.push(fieldError.invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  }
  errors.push(...firstWrongLabel(rest, isDNS1123Subdomain, path));
  if (utf8Length(name) > bytesMax) errors.push(fieldError.tooLong(path, bytesMax));
  return errors;
}

/** Further labels would only say the same again. */
function firstWrongLabel(segment: string, check: (label: string) => string[], path: string): FieldError[] {
  for (const label of segment.split(".")) {
    const messages = check(label);
    if (messages.length === 0) continue;
    const what = `validating label ${JSON.stringify(label)}`;
    return messages.map((message) => fieldError.invalid(path, segment, `${what}: ${message}`));
  }
  return [];
}
