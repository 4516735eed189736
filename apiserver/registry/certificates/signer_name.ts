/** Names of signers, `example.com/my-signer` (pkg/apis/core/validation, ValidateSignerName). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { isDNS1123Label, isDNS1123Subdomain, utf8Length } from "../../../lib/validation.ts";
import { invalids } from "../meta/messages.ts";

const domainBytesMax = 253;
/** A domain, a slash, and a path of labels. */
const bytesMax = 571;

export function validateSignerName(name: string, path: string): FieldError[] {
  if (name === "") return [fieldError.required(path)];
  const segments = name.split("/");
  if (segments.length !== 2) {
    return [
      fieldError.invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'"),
    ];
  }
  const [domain = "", signer = ""] = segments;
  const errors: FieldError[] = [];
  const domainErrors = isDNS1123Subdomain(domain);
  if (domainErrors.length === 0 && domain.split(".").length < 2) {
    errors.push(fieldError.invalid(path, domain, "should be a domain with at least two segments separated by dots"));
  } else errors.push(...invalids(path, domain, domainErrors));
  for (const label of signer.split(".")) errors.push(...invalids(path, label, isDNS1123Label(label)));
  const signerBytesMax = bytesMax - domainBytesMax - 1;
  if (utf8Length(signer) > signerBytesMax) errors.push(fieldError.tooLong(path, signerBytesMax));
  if (utf8Length(name) > bytesMax) errors.push(fieldError.tooLong(path, bytesMax));
  return errors;
}
