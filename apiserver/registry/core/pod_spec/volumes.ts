/** Volumes: a name and exactly one source. Those that only nodes with the right driver can mount are in volume_sources. */
import { compareQuantities } from "../../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  ConfigMapVolumeSource,
  CSIVolumeSource,
  DownwardAPIVolumeSource,
  EphemeralVolumeSource,
  HostPathVolumeSource,
  SecretVolumeSource,
  Volume,
} from "../../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain, utf8Length } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { defaultClaimSpec, validateClaimTemplate } from "../claim_spec.ts";
import { checkDNSLabel, checkDNSSubdomain, checkPresent, checkRequiredEnum } from "./checks.ts";
import { imageTag } from "./image_name.ts";
import type { Volumes } from "./mounts.ts";
import { checkFileMode, checkNoBacksteps } from "./paths.ts";
import {
  defaultDownwardFile,
  defaultProjected,
  validateDownwardFile,
  validateItems,
  validateProjected,
} from "./projected.ts";
import { defaultRemote, remoteSources } from "./volume_sources.ts";

/** rw-r--r-- */
export const fileMode = 0o644;

export function defaultVolume(volume: Volume): void {
  if (Object.keys(volume).every((key) => key === "name")) volume.emptyDir = {};
  if (volume.secret !== undefined) volume.secret.defaultMode ??= fileMode;
  if (volume.configMap !== undefined) volume.configMap.defaultMode ??= fileMode;
  if (volume.downwardAPI !== undefined) {
    volume.downwardAPI.defaultMode ??= fileMode;
    volume.downwardAPI.items?.forEach(defaultDownwardFile);
  }
  if (volume.projected !== undefined) {
    volume.projected.defaultMode ??= fileMode;
    defaultProjected(volume.projected);
  }
  if (volume.hostPath !== undefined) volume.hostPath.type ??= "";
  if (volume.ephemeral?.volumeClaimTemplate !== undefined) {
    defaultClaimSpec(volume.ephemeral.volumeClaimTemplate.spec ??= {});
  }
  if (volume.image !== undefined) {
    volume.image.pullPolicy ||= imageTag(volume.image.reference ?? "") === "latest" ? "Always" : "IfNotPresent";
  }
  defaultRemote(volume);
}

/** The errors, and the volumes without any: only those can be mounted. `podName` is undefined in templates. */
export function validateVolumes(
  volumes: readonly Volume[] | undefined,
  podName: string | undefined,
  path: string,
): { errors: FieldError[]; valid: Volumes } {
  const errors: FieldError[] = [];
  const valid = new Map<string, Volume>();
  const made = new Set((volumes ?? []).filter((v) => v.ephemeral && podName).map((v) => `${podName}-${v.name}`));
  (volumes ?? []).forEach((volume, i) => {
    const at = `${path}[${i}]`;
    const name = volume.name ?? "";
    const own = validateSource(volume, podName, at);
    own.push(...(name === "" ? [fieldError.required(`${at}.name`)] : checkDNSLabel(name, `${at}.name`)));
    if (valid.has(name)) own.push(fieldError.duplicate(`${at}.name`, name));
    if (own.length === 0) valid.set(name, volume);
    errors.push(...own);
    const claim = volume.persistentVolumeClaim?.claimName;
    if (claim !== undefined && made.has(claim)) {
      const detail = "must not reference a PVC that gets created for an ephemeral volume";
      errors.push(fieldError.invalid(`${at}.persistentVolumeClaim.claimName`, claim, detail));
    }
  });
  return { errors, valid };
}

type Source = Exclude<keyof Volume, "name">;
type Validators = { readonly [S in Source]?: (source: NonNullable<Volume[S]>, path: string) => FieldError[] };

const localSources: Validators = {
  emptyDir: ({ sizeLimit }, path) =>
    sizeLimit !== undefined && compareQuantities(sizeLimit, "0") < 0
      ? [fieldError.forbidden(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity")]
      : [],
  hostPath: validateHostPath,
  secret: validateSecret,
  persistentVolumeClaim: ({ claimName }, path) => checkPresent(claimName, `${path}.claimName`),
  downwardAPI: validateDownward,
  configMap: validateConfigMap,
  projected: validateProjected,
  csi: validateCSI,
  ephemeral: validateEphemeral,
  image: ({ reference, pullPolicy }, path) => [
    ...checkPresent(reference, `${path}.reference`),
    ...checkRequiredEnum(pullPolicy, `${path}.pullPolicy`, ["Always", "IfNotPresent", "Never"]),
  ],
};

/** In the order in which Kubernetes looks for them: the first is the volume, the others are too many. */
const order: readonly Source[] = [
  "emptyDir",
  "hostPath",
  "gitRepo",
  "gcePersistentDisk",
  "awsElasticBlockStore",
  "secret",
  "nfs",
  "iscsi",
  "glusterfs",
  "flocker",
  "persistentVolumeClaim",
  "rbd",
  "cinder",
  "cephfs",
  "quobyte",
  "downwardAPI",
  "fc",
  "flexVolume",
  "configMap",
  "azureFile",
  "vsphereVolume",
  "photonPersistentDisk",
  "portworxVolume",
  "azureDisk",
  "storageos",
  "projected",
  "scaleIO",
  "csi",
  "ephemeral",
  "image",
];

const validators = { ...localSources, ...remoteSources } as Record<
  Source,
  (source: never, path: string) => FieldError[]
>;
/** Fields that Kubernetes misspells in its messages. */
const fieldOf: { readonly [S in Source]?: string } = { gcePersistentDisk: "persistentDisk" };
const excessFieldOf: { readonly [S in Source]?: string } = { cephfs: "cephFS", downwardAPI: "downwarAPI" };

function validateSource(volume: Volume, podName: string | undefined, path: string): FieldError[] {
  const [first, ...more] = order.filter((source) => volume[source] !== undefined);
  if (first === undefined) return [fieldError.required(path, "must specify a volume type")];
  const errors = validators[first](volume[first] as never, `${path}.${fieldOf[first] ?? first}`);
  for (const source of more) {
    errors.push(
      fieldError.forbidden(`${path}.${excessFieldOf[source] ?? source}`, "may not specify more than 1 volume type"),
    );
  }
  return [...errors, ...validateName(volume, podName, first, path)];
}

/** Sources that make other names of the volume's. */
function validateName(volume: Volume, podName: string | undefined, source: Source, path: string): FieldError[] {
  const { name = "", iscsi } = volume;
  if (source === "ephemeral" && podName && name !== "") {
    const claim = `${podName}-${name}`;
    const messages = isDNS1123Subdomain(claim).map((message) => `PVC name ${JSON.stringify(claim)}: ${message}`);
    return invalids(`${path}.name`, name, messages);
  }
  if (iscsi?.initiatorName !== undefined && utf8Length(`${name}:${iscsi.targetPortal ?? ""}`) > 64) {
    const detail =
      "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";
    return [fieldError.invalid(`${path}.name`, name, detail)];
  }
  return [];
}

const hostPathTypes = [
  "",
  "BlockDevice",
  "CharDevice",
  "Directory",
  "DirectoryOrCreate",
  "File",
  "FileOrCreate",
  "Socket",
];

/** Also of PersistentVolumes. */
export function validateHostPath({ path: host, type }: HostPathVolumeSource, path: string): FieldError[] {
  if (!host) return [fieldError.required(`${path}.path`)];
  const errors = checkNoBacksteps(host, `${path}.path`);
  if (type !== undefined && !hostPathTypes.includes(type)) {
    errors.push(fieldError.notSupported(`${path}.type`, type, hostPathTypes));
  }
  return errors;
}

function validateSecret({ secretName, defaultMode, items }: SecretVolumeSource, path: string): FieldError[] {
  return [
    ...checkPresent(secretName, `${path}.secretName`),
    ...checkFileMode(defaultMode, `${path}.defaultMode`),
    ...validateItems(items, `${path}.items`),
  ];
}

function validateConfigMap({ name, defaultMode, items }: ConfigMapVolumeSource, path: string): FieldError[] {
  return [
    ...checkPresent(name, `${path}.name`),
    ...checkFileMode(defaultMode, `${path}.defaultMode`),
    ...validateItems(items, `${path}.items`),
  ];
}

function validateDownward({ defaultMode, items }: DownwardAPIVolumeSource, path: string): FieldError[] {
  return [
    ...checkFileMode(defaultMode, `${path}.defaultMode`),
    // Kubernetes leaves out which file it is.
    ...(items ?? []).flatMap((file) => validateDownwardFile(file, path)),
  ];
}

/** Also of PersistentVolumes and StorageClasses (ValidateCSIDriverName). */
export function validateCSIDriverName(driver: string, path: string): FieldError[] {
  const errors = checkPresent(driver, path);
  if (utf8Length(driver) > 63) errors.push(fieldError.tooLong(path, 63));
  return [...errors, ...invalids(path, driver, isDNS1123Subdomain(driver.toLowerCase()))];
}

function validateCSI({ driver, nodePublishSecretRef: secret }: CSIVolumeSource, path: string): FieldError[] {
  const errors = validateCSIDriverName(driver ?? "", `${path}.driver`);
  if (secret === undefined) return errors;
  if (!secret.name) return [...errors, fieldError.required(`${path}.nodePublishSecretRef.name`)];
  return [...errors, ...checkDNSSubdomain(secret.name, `${path}.name`)];
}

function validateEphemeral({ volumeClaimTemplate }: EphemeralVolumeSource, path: string): FieldError[] {
  const at = `${path}.volumeClaimTemplate`;
  return volumeClaimTemplate === undefined ? [fieldError.required(at)] : validateClaimTemplate(volumeClaimTemplate, at);
}
