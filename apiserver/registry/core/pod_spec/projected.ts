/** Volumes that are put together from keys of ConfigMaps and Secrets, fields of the pod, tokens and certificates. */
import { validateLabelSelector } from "../../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  ClusterTrustBundleProjection,
  DownwardAPIVolumeFile,
  KeyToPath,
  PodCertificateProjection,
  ProjectedVolumeSource,
  ServiceAccountTokenProjection,
  VolumeProjection,
} from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { validateAnnotations } from "../../meta/annotations.ts";
import { validateSignerName } from "../../meta/signer_name.ts";
import { checkPresent, checkSupported } from "./checks.ts";
import {
  defaultFieldRef,
  defaultResourceFieldRef,
  validateFieldRef,
  validateResourceFieldRef,
  volumeFields,
} from "./downward.ts";
import { checkFileMode, checkLocalPath } from "./paths.ts";

export function defaultDownwardFile(file: DownwardAPIVolumeFile): void {
  defaultFieldRef(file.fieldRef);
  defaultResourceFieldRef(file.resourceFieldRef);
}

export function defaultProjected({ sources }: ProjectedVolumeSource): void {
  for (const { serviceAccountToken, downwardAPI } of sources ?? []) {
    if (serviceAccountToken !== undefined) serviceAccountToken.expirationSeconds ??= 3600;
    downwardAPI?.items?.forEach(defaultDownwardFile);
  }
}

/** Keys of a ConfigMap or a Secret and the files that they become. */
export function validateItems(items: readonly KeyToPath[] | undefined, path: string): FieldError[] {
  return (items ?? []).flatMap((item, i) => validateItem(item, `${path}[${i}]`));
}

function validateItem({ key, path: file = "", mode }: KeyToPath, path: string): FieldError[] {
  return [
    ...checkPresent(key, `${path}.key`),
    ...checkPresent(file, `${path}.path`),
    ...checkLocalPath(file, `${path}.path`),
    ...checkFileMode(mode, `${path}.mode`),
  ];
}

export function validateDownwardFile(file: DownwardAPIVolumeFile, path: string): FieldError[] {
  const { path: name = "", fieldRef, resourceFieldRef, mode } = file;
  const errors = [...checkPresent(name, `${path}.path`), ...checkLocalPath(name, `${path}.path`)];
  if (fieldRef !== undefined) {
    errors.push(...validateFieldRef(fieldRef, volumeFields, `${path}.fieldRef`));
    if (resourceFieldRef !== undefined) {
      const detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
      errors.push(fieldError.invalid(path, "resource", detail));
    }
  } else if (resourceFieldRef !== undefined) {
    errors.push(...validateResourceFieldRef(resourceFieldRef, "volume", `${path}.resourceFieldRef`));
  } else errors.push(fieldError.required(path, "one of fieldRef and resourceFieldRef is required"));
  return [...errors, ...checkFileMode(mode, `${path}.mode`)];
}

export function validateProjected({ defaultMode, sources }: ProjectedVolumeSource, path: string): FieldError[] {
  const files = new Files(path);
  return [
    ...checkFileMode(defaultMode, `${path}.defaultMode`),
    ...(sources ?? []).flatMap((source, i) => validateSource(source, files, `${path}.sources[${i}]`)),
  ];
}

/** Files of all sources together: each is there once. */
class Files {
  readonly #paths = new Set<string>();
  constructor(readonly volumePath: string) {}

  /** `shown` is what Kubernetes gives as the wrong value. */
  add(path: string, shown: string): FieldError[] {
    if (this.#paths.has(path)) return [fieldError.invalid(this.volumePath, shown, "conflicting duplicate paths")];
    this.#paths.add(path);
    return [];
  }
}

function validateSource(source: VolumeProjection, files: Files, path: string): FieldError[] {
  const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
  const errors: FieldError[] = [];
  if (secret) errors.push(...validateKeys(secret, files, `${path}.secret`));
  if (configMap) errors.push(...validateKeys(configMap, files, `${path}.configMap`));
  for (const file of downwardAPI?.items ?? []) {
    errors.push(...validateDownwardFile(file, `${path}.downwardAPI`));
    if (file.path) errors.push(...files.add(file.path, file.path));
  }
  if (serviceAccountToken) errors.push(...validateToken(serviceAccountToken, files, `${path}.serviceAccountToken`));
  if (clusterTrustBundle) errors.push(...validateTrustBundle(clusterTrustBundle, files, `${path}.clusterTrustBundle`));
  if (podCertificate) errors.push(...validateCertificate(podCertificate, files, `${path}.podCertificate`));
  const given = [secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate];
  if (given.filter(Boolean).length > 1) {
    errors.push(fieldError.forbidden(path, "may not specify more than 1 volume type per source"));
  }
  return errors;
}

function validateKeys(
  { name = "", items }: { name?: string; items?: readonly KeyToPath[] },
  files: Files,
  path: string,
): FieldError[] {
  const errors = checkPresent(name, `${path}.name`);
  (items ?? []).forEach((item, i) => {
    errors.push(...validateItem(item, `${path}.items[${i}]`));
    if (item.path) errors.push(...files.add(item.path, name));
  });
  return errors;
}

function validateToken(token: ServiceAccountTokenProjection, files: Files, path: string): FieldError[] {
  const { expirationSeconds: seconds = 0, path: file } = token;
  const errors: FieldError[] = [];
  const at = `${path}.expirationSeconds`;
  if (seconds < 600) errors.push(fieldError.invalid(at, seconds, "may not specify a duration less than 10 minutes"));
  if (seconds > 2 ** 32) {
    errors.push(fieldError.invalid(at, seconds, "may not specify a duration larger than 2^32 seconds"));
  }
  // Kubernetes names the volume's path here.
  const field = `${files.volumePath}.path`;
  return [...errors, ...(file ? checkLocalPath(file, field) : [fieldError.required(field)])];
}

function validateTrustBundle(bundle: ClusterTrustBundleProjection, files: Files, path: string): FieldError[] {
  const { name, signerName, labelSelector, path: file = "" } = bundle;
  const errors: FieldError[] = [];
  if (name !== undefined && signerName !== undefined) {
    errors.push(fieldError.invalid(path, bundle, "only one of name and signerName may be used"));
  } else if (name !== undefined) {
    if (name === "") errors.push(fieldError.required(`${path}.name`, "must be a valid object name"));
    const wrong = trustBundleNameErrors(name).map((message) => `not a valid clustertrustbundlename: ${message}`);
    errors.push(...invalids(`${path}.name`, name, wrong));
    if (labelSelector !== undefined) {
      const detail = "labelSelector must be unset if name is specified";
      errors.push(fieldError.invalid(`${path}.labelSelector`, labelSelector, detail));
    }
  } else if (signerName !== undefined) {
    if (signerName === "") errors.push(fieldError.required(`${path}.signerName`, "must be a valid signer name"));
    errors.push(...validateSignerName(signerName, `${path}.signerName`));
    errors.push(...validateLabelSelector(labelSelector, `${path}.labelSelector`));
  } else errors.push(fieldError.required(path, "either name or signerName must be specified"));
  return [
    ...errors,
    ...checkPresent(file, `${path}.path`),
    ...checkLocalPath(file, `${path}.path`),
    ...files.add(file, file),
  ];
}

/** `example.com:signer:name` belongs to the signer `example.com/signer`; without a colon to none. */
function trustBundleNameErrors(name: string): string[] {
  return isDNS1123Subdomain(name.slice(name.lastIndexOf(":") + 1));
}

const keyTypes = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const certificateSecondsMin = 3600;
const certificateSecondsMax = 91 * 24 * 3600;
/** Kubernetes' own signers are meant for short-lived certificates. */
const kubernetesCertificateSecondsMax = 24 * 3600;

function validateCertificate(certificate: PodCertificateProjection, files: Files, path: string): FieldError[] {
  const { signerName = "", keyType, maxExpirationSeconds: seconds, userAnnotations } = certificate;
  const errors = [
    ...validateSignerName(signerName, `${path}.signerName`),
    ...validateUserAnnotations(userAnnotations, `${path}.userAnnotations`),
    ...checkSupported(keyType, `${path}.keyType`, keyTypes),
  ];
  if (seconds !== undefined) {
    const at = `${path}.maxExpirationSeconds`;
    const host = signerName.split("/")[0]!;
    const max = host === "kubernetes.io" || host.endsWith(".kubernetes.io")
      ? kubernetesCertificateSecondsMax
      : certificateSecondsMax;
    const must = "if provided, maxExpirationSeconds must be";
    if (seconds < certificateSecondsMin) {
      errors.push(fieldError.invalid(at, seconds, `${must} >= ${certificateSecondsMin}`));
    }
    if (seconds > max) errors.push(fieldError.invalid(at, seconds, `${must} <= ${max}`));
  }
  return [...errors, ...validateCertificateFiles(certificate, files, path)];
}

function validateUserAnnotations(annotations: Record<string, string> | undefined, path: string): FieldError[] {
  const errors = validateAnnotations(annotations, path);
  for (const key of Object.keys(annotations ?? {})) {
    if (key.includes("/")) continue;
    errors.push(fieldError.invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")'));
  }
  return errors;
}

function validateCertificateFiles(certificate: PodCertificateProjection, files: Files, path: string): FieldError[] {
  const errors: FieldError[] = [];
  let count = 0;
  for (const field of ["credentialBundlePath", "keyPath", "certificateChainPath"] as const) {
    const file = certificate[field];
    if (!file) continue;
    count++;
    errors.push(...checkLocalPath(file, `${path}.${field}`), ...files.add(file, file));
  }
  if (count > 0) return errors;
  const detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath";
  return [...errors, fieldError.required(path, detail)];
}
