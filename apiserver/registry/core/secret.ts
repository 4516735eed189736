/** Secret: bytes under keys, some kinds of which must have certain keys (pkg/apis/core/validation, ValidateSecret). */
import { objectDataBytesMax } from "../../../lib/limits.ts";
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { Secret } from "../../../lib/types/core_v1.ts";
import { Secret as kind } from "../../../lib/types/kinds.ts";
import { isConfigMapKey, isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { base64Length } from "../meta/base64_length.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";
import { immutableDetail } from "./config_map.ts";

const accountAnnotation = "kubernetes.io/service-account.name";
const path = (key: string) => `data[${key}]`;

function defaultSecret(secret: Secret): void {
  secret.type ||= "Opaque";
  if (secret.stringData === undefined) return;
  // Written, never read: what is stored has the same in `data`.
  const texts = Object.entries(secret.stringData).map(([key, text]) => [key, base64(text)]);
  if (texts.length > 0) secret.data = { ...secret.data, ...Object.fromEntries(texts) };
  delete secret.stringData;
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function validate(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    for (const message of isConfigMapKey(key)) errors.push(fieldError.invalid(path(key), key, message));
    bytes += base64Length(value);
  }
  if (bytes > objectDataBytesMax) errors.push(fieldError.tooLong("data", objectDataBytesMax));
  return [...errors, ...validateType(secret)];
}

function validateType({ type, metadata, data = {} }: Secret): FieldError[] {
  const missing = (...keys: string[]) =>
    keys.filter((key) => !Object.hasOwn(data, key)).map((key) => fieldError.required(path(key)));
  switch (type) {
    case "kubernetes.io/service-account-token":
      if (metadata.annotations?.[accountAnnotation]) return [];
      return [fieldError.required(`metadata.annotations[${accountAnnotation}]`)];
    case "kubernetes.io/dockercfg":
      return validateJson(data, ".dockercfg");
    case "kubernetes.io/dockerconfigjson":
      return validateJson(data, ".dockerconfigjson");
    case "kubernetes.io/basic-auth": {
      // Either may be absent, both not; each may be empty.
      const absent = missing("username", "password");
      return absent.length === 2 ? absent : [];
    }
    case "kubernetes.io/ssh-auth":
      return data["ssh-privatekey"] ? [] : [fieldError.required(path("ssh-privatekey"))];
    case "kubernetes.io/tls":
      return missing("tls.crt", "tls.key");
    default:
      return [];
  }
}

/** A key that must be there and hold a JSON object; nothing of its contents is told. */
function validateJson(data: Readonly<Record<string, string>>, key: string): FieldError[] {
  const value = data[key];
  if (value === undefined) return [fieldError.required(path(key))];
  const wrong = (detail: string) => [fieldError.invalid(path(key), "<secret contents redacted>", detail)];
  try {
    const json = JSON.parse(new TextDecoder().decode(Uint8Array.fromBase64(value)));
    if (typeof json === "object" && !Array.isArray(json)) return [];
    const word = Array.isArray(json) ? "array" : typeof json === "boolean" ? "bool" : typeof json;
    return wrong(`json: cannot unmarshal ${word} into Go value of type map[string]interface {}`);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return wrong(value === "" ? "unexpected end of JSON input" : "invalid JSON");
  }
}

function validateUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors = immutable(secret.type, old.type, "type");
  if (!old.immutable) return errors;
  if (!secret.immutable) errors.push(fieldError.forbidden("immutable", immutableDetail));
  if (!deepEqual(secret.data, old.data)) errors.push(fieldError.forbidden("data", immutableDetail));
  return errors;
}

export const secret: Resource<Secret> = defineResource<Secret>(kind, {
  definition: "io.k8s.api.core.v1.Secret",
  defaults: defaultSecret,
  validate,
  validateUpdate,
  columns: [
    nameColumn,
    { name: "Type", type: "string", value: ({ type }) => type ?? "" },
    { name: "Data", type: "string", value: ({ data }) => Object.keys(data ?? {}).length },
    ageColumn,
  ],
  fields: { type: ({ type }) => type ?? "" },
}, isDNS1123Subdomain);
