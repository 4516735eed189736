/**
 * The file of --encryption-provider-config: an EncryptionConfiguration of apiserver.config.k8s.io/v1, checked with all its errors
 * (k8s.io/apiserver/pkg/apis/apiserver/validation). What it asks for and we don't have (KMS plugins, secretbox) is refused.
 */
import { Buffer } from "node:buffer";
import { parse } from "yaml";
import { type CipherName, keyBytes } from "./cipher.ts";

/** How objects may be stored. The first of a list is how they are written, all are read. */
export type Provider = { readonly name: "identity" } | {
  readonly name: CipherName;
  /** The first encrypts, all decrypt. */
  readonly keys: readonly { readonly name: string; readonly secret: Uint8Array }[];
};

/** Resources as the file says them (`secrets`, `deployments.apps`, `*.apps`, `*.`, `*.*`) and what stores them. */
export interface EncryptionRule {
  readonly resources: readonly string[];
  readonly providers: readonly Provider[];
}

// deno-lint-ignore no-explicit-any -- whatever stands in the file
type Any = any;

/** Throws an Error with all that is wrong, one thing per line, each with its place. No key is in any message. */
export function parseEncryptionConfiguration(text: string): readonly EncryptionRule[] {
  const errors: string[] = [];
  let file: Any;
  try {
    file = parse(text);
  } catch (error) {
    // Only the place: the rest of the message quotes the file, and with it the keys.
    const at = (error as { linePos?: [{ line: number; col: number }] }).linePos?.[0];
    throw new Error(`it is no YAML${at === undefined ? "" : `: line ${at.line}, column ${at.col}`}`);
  }
  const version = "apiserver.config.k8s.io/v1";
  if (file?.apiVersion !== version || file?.kind !== "EncryptionConfiguration") {
    throw new Error(`it is no EncryptionConfiguration of ${version}`);
  }
  unknownFields(file, ["apiVersion", "kind", "resources"], "", errors);
  if (!Array.isArray(file.resources) || file.resources.length === 0) {
    errors.push("resources: Required value: at least one resources is required");
  }
  const rules = listOf(file.resources).map((rule, i) => parseRule(rule, `resources[${i}]`, errors));
  errors.push(...masked(rules));
  if (errors.length > 0) throw new Error(errors.join("\n"));
  return rules;
}

const listOf = (value: unknown): Any[] => Array.isArray(value) ? value : [];

function unknownFields(value: Any, known: readonly string[], path: string, errors: string[]): void {
  for (const name of Object.keys(value ?? {})) {
    if (!known.includes(name)) errors.push(`${path === "" ? name : `${path}.${name}`}: unknown field`);
  }
}

function parseRule(rule: Any, path: string, errors: string[]): EncryptionRule {
  unknownFields(rule, ["resources", "providers"], path, errors);
  const resources = listOf(rule?.resources);
  if (resources.length === 0) errors.push(`${path}.resources: Required value: at least one resources is required`);
  resources.forEach((name, i) => {
    const why = resourceError(name, resources, i);
    if (why !== undefined) errors.push(`${path}.resources[${i}]: Invalid value: ${JSON.stringify(name)}: ${why}`);
  });
  const providers = listOf(rule?.providers);
  if (providers.length === 0) errors.push(`${path}.providers: Required value: at least one providers is required`);
  return {
    resources: resources.map(String),
    providers: providers.flatMap((provider, i) => parseProvider(provider, `${path}.providers[${i}]`, errors)),
  };
}

function resourceError(name: unknown, all: readonly unknown[], index: number): string | undefined {
  if (typeof name !== "string" || name === "") return "a resource is a name like secrets or deployments.apps";
  if (name !== name.toLowerCase()) return "resource name should not contain capital letters";
  if (name === "*") return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  if (all.indexOf(name) !== index) return "the same resource cannot be specified multiple times";
  if (name === "events.events.k8s.io" || name === "*.events.k8s.io") {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. " +
      "Use 'events' instead in the config file";
  }
  if (/\.extensions$/.test(name)) return "'extensions' group has been removed and cannot be used for encryption";
  const group = groupOf(name);
  const covered = (all.includes("*.*") && name !== "*.*") || (all.includes(`*.${group}`) && !name.startsWith("*."));
  return covered
    ? "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked"
    : undefined;
}

/** `deployments.apps` → `apps`; `secrets` → ``. */
export function groupOf(resource: string): string {
  const dot = resource.indexOf(".");
  return dot < 0 ? "" : resource.slice(dot + 1);
}

/** A rule that comes after a wider one would never be asked. */
function masked(rules: readonly EncryptionRule[]): string[] {
  const errors: string[] = [];
  const earlier = new Set<string>();
  rules.forEach(({ resources }, i) => {
    for (const name of resources) {
      const wide = [`*.${groupOf(name)}`, "*.*"].find((wide) => wide !== name && earlier.has(wide));
      if (wide !== undefined) errors.push(`resources[${i}]: resource "${name}" is masked by earlier rule "${wide}"`);
    }
    for (const name of resources) earlier.add(name);
  });
  return errors;
}

const refused: Readonly<Record<string, string>> = {
  kms: "KMS plugins are not supported by this server: use aesgcm",
  secretbox: "XSalsa20-Poly1305 is not supported by this server: use aesgcm",
};

function parseProvider(provider: Any, path: string, errors: string[]): Provider[] {
  const names = Object.keys(provider ?? {});
  const [name] = names;
  if (name === undefined) {
    errors.push(`${path}: Required value: provider does not contain any of the expected providers`);
    return [];
  }
  if (names.length > 1) {
    const why = "more than one provider specified in a single element, should split into different list elements";
    errors.push(`${path}: Invalid value: ${why}`);
    return [];
  }
  if (name === "identity") return [{ name }];
  if (name !== "aesgcm" && name !== "aescbc") {
    errors.push(`${path}.${name}: ${refused[name] === undefined ? "unknown field" : `Forbidden: ${refused[name]}`}`);
    return [];
  }
  unknownFields(provider[name], ["keys"], `${path}.${name}`, errors);
  const keys = listOf(provider[name]?.keys);
  if (keys.length === 0) errors.push(`${path}.${name}.keys: Required value: at least one keys is required`);
  const parsed = keys.map((key, i) => parseKey(key, { cipher: name, path: `${path}.${name}.keys[${i}]` }, errors));
  const twice = parsed.find((key, i) => parsed.findIndex((other) => other.name === key.name) !== i);
  if (twice !== undefined) errors.push(`${path}.${name}.keys: Duplicate value: ${JSON.stringify(twice.name)}`);
  return [{ name, keys: parsed }];
}

function parseKey(key: Any, { cipher, path }: { cipher: CipherName; path: string }, errors: string[]) {
  const { name, secret } = key ?? {};
  unknownFields(key, ["name", "secret"], path, errors);
  if (typeof name !== "string" || name === "") {
    errors.push(`${path}.name: Required value: name is a mandatory field for a key`);
  } // It stands between colons before what it has encrypted.
  else if (/[:\n]/.test(name)) {
    errors.push(`${path}.name: Invalid value: ${JSON.stringify(name)}: must not contain ':'`);
  }
  if (typeof secret !== "string" || secret === "") {
    errors.push(`${path}.secret: Required value: secret is a mandatory field for a key`);
    return { name: String(name), secret: new Uint8Array() };
  }
  const bytes = Buffer.from(secret, "base64");
  const lengths = keyBytes[cipher];
  if (bytes.toString("base64").replace(/=+$/, "") !== secret.trim().replace(/=+$/, "")) {
    errors.push(`${path}.secret: Invalid value: "REDACTED": secrets must be base64 encoded`);
  } else if (!lengths.includes(bytes.length)) {
    const why = `secret is not of the expected length, got ${bytes.length}, expected one of [${lengths.join(" ")}]`;
    errors.push(`${path}.secret: Invalid value: "REDACTED": ${why}`);
  }
  return { name: String(name), secret: new Uint8Array(bytes) };
}
