/** Options that only Windows nodes know. No agent runs there, but the API takes what Kubernetes takes. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec, WindowsSecurityContextOptions } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain, utf8Length } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { visitContainers } from "./visit.ts";

const credentialSpecKiBMax = 64;
const domainBytesMax = 256;
const userBytesMax = 104;

// deno-lint-ignore no-control-regex
const control = /[\x00-\x1f\x7f]/;
const netBiosDomain = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabel = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const dnsDomain = new RegExp(`^${dnsLabel}(?:\\.${dnsLabel})*$`);
const badUserCharacters = /["/\\:;|=,+*?<>@[\]]/;

export function validateWindowsOptions(
  options: WindowsSecurityContextOptions | undefined,
  path: string,
): FieldError[] {
  if (options === undefined) return [];
  const { gmsaCredentialSpecName: specName, gmsaCredentialSpec: spec, runAsUserName } = options;
  const errors: FieldError[] = [];
  if (specName !== undefined) {
    errors.push(...invalids(`${path}.gmsaCredentialSpecName`, specName, isDNS1123Subdomain(specName)));
  }
  if (spec === "") {
    errors.push(
      fieldError.invalid(`${path}.gmsaCredentialSpec`, spec, "gmsaCredentialSpec cannot be an empty string"),
    );
  } else if (spec !== undefined && utf8Length(spec) > credentialSpecKiBMax * 1024) {
    const detail = `gmsaCredentialSpec size must be under ${credentialSpecKiBMax} KiB`;
    errors.push(fieldError.invalid(`${path}.gmsaCredentialSpec`, spec, detail));
  }
  if (runAsUserName !== undefined) {
    errors.push(...invalids(`${path}.runAsUserName`, runAsUserName, userNameErrors(runAsUserName)));
  }
  return errors;
}

/** `DOMAIN\user` or `user`. */
function userNameErrors(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (control.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const user = parts.at(-1)!;
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const errors: string[] = [];
  if (domain !== undefined) {
    if (utf8Length(domain) >= domainBytesMax) {
      errors.push(`runAsUserName's Domain length must be under ${domainBytesMax} characters`);
    }
    if (!netBiosDomain.test(domain) && !dnsDomain.test(domain)) {
      errors.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
    }
  }
  if (user === "") errors.push("runAsUserName's User cannot be empty");
  else if (utf8Length(user) > userBytesMax) {
    errors.push(`runAsUserName's User length must not be longer than ${userBytesMax} characters`);
  }
  if (/^[. ]+$/.test(user)) errors.push("runAsUserName's User cannot contain only periods or spaces");
  if (badUserCharacters.test(user)) {
    errors.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  }
  return errors;
}

/** All containers run as processes of the host, or none (validateWindowsHostProcessPod). `path` is the spec's. */
export function validateHostProcess(spec: PodSpec, path: string): FieldError[] {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const errors: FieldError[] = [];
  const containers = visitContainers(spec, path);
  let count = 0;
  for (const [container, at] of containers) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.push(fieldError.invalid(`${at}.securityContext.windowsOptions.hostProcess`, own, detail));
    }
    if (own ?? ofPod) count++;
  }
  if (count === 0) return errors;
  if (count !== containers.length) {
    const detail = "If pod contains any hostProcess containers then all containers must be HostProcess containers";
    errors.push(fieldError.invalid(path, "", detail));
  }
  if (!spec.hostNetwork) {
    const detail = "hostNetwork must be true if pod contains any hostProcess containers";
    errors.push(fieldError.invalid(`${path}.hostNetwork`, false, detail));
  }
  return errors;
}
