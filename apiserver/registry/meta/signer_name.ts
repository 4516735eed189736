/** Names of signers of certificates, `example.com/serving` (pkg/apis/core/validation, ValidateSignerName). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import {
  dns1123LabelBytesMax,
  dns1123SubdomainBytesMax,
  isDNS1123Label,
  isDNS1123Subdomain,
  utf8Length,
} from "../../../lib/validation.ts";

/** A domain, a slash, and what is a label and a subdomain at the most. */
const signerNameBytesMax = dns1123SubdomainBytesMax + 1 + dns1123SubdomainBytesMax + 1 + dns1123LabelBytesMax;

export function validateSignerName(name: string, path: string): FieldError[] {
  if (name === "") return [fieldError.required(path)];
  const segments = name.split("/");
  if (segments.length !== 2) {
    const detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
    return [fieldError.invalid(path, name, detail)];
  }
  const [domain, signer] = segments as [string, string];
  const errors: FieldError[] = [];
  if (utf8Length(domain) > dns1123SubdomainBytesMax) errors.push(fieldError.tooLong(path, dns1123SubdomainBytesMax));
  errors.push(...segmentErrors(domain, isDNS1123Label, path));
  if (!domain.includes(".")) {
    errors.push(fieldError.invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  }
  errors.push(...segmentErrors(signer, isDNS1123Subdomain, path));
  if (utf8Length(name) > signerNameBytesMax) errors.push(fieldError.tooLong(path, signerNameBytesMax));
  return errors;
}

/** The errors of the first part that is wrong: those of the others would read the same. */
function segmentErrors(segment: string, check: (part: string) => string[], path: string): FieldError[] {
  for (const part of segment.split(".")) {
    const wrong = check(part);
    if (wrong.length === 0) continue;
    return wrong.map((message) =>
      fieldError.invalid(path, segment, `validating label ${JSON.stringify(part)}: ${message}`)
    );
  }
  return [];
}
