/**
 * Sources of volumes that are network file systems, cloud disks and the like. The API takes what Kubernetes takes;
 * whether a node can mount it is the agent's to say.
 */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  AzureDiskVolumeSource,
  FCVolumeSource,
  FlexVolumeSource,
  FlockerVolumeSource,
  ISCSIVolumeSource,
  NFSVolumeSource,
  QuobyteVolumeSource,
  StorageOSVolumeSource,
  Volume,
} from "../../../../lib/types/core_v1.ts";
import { inclusiveRangeError, utf8Length } from "../../../../lib/validation.ts";
import { checkDNSLabel, checkPresent } from "./checks.ts";
import { checkDescendingPath } from "./paths.ts";

export function defaultRemote(volume: Volume): void {
  const { iscsi, rbd, azureDisk, scaleIO } = volume;
  if (iscsi !== undefined) iscsi.iscsiInterface ||= "default";
  if (rbd !== undefined) {
    rbd.pool ||= "rbd";
    rbd.user ||= "admin";
    rbd.keyring ||= "/etc/ceph/keyring";
  }
  if (azureDisk !== undefined) {
    azureDisk.cachingMode ??= "ReadWrite";
    azureDisk.kind ??= "Shared";
    azureDisk.fsType ??= "ext4";
    azureDisk.readOnly ??= false;
  }
  if (scaleIO !== undefined) {
    scaleIO.storageMode ||= "ThinProvisioned";
    scaleIO.fsType ||= "xfs";
  }
}

/** `Required value` for each of these fields that has no text and no elements. */
function present<T extends object>(...fields: readonly (keyof T & string)[]) {
  return (source: T, path: string): FieldError[] =>
    fields.flatMap((field) => {
      const value = source[field] as string | readonly unknown[] | undefined;
      return (value?.length ?? 0) > 0 ? [] : [fieldError.required(`${path}.${field}`)];
    });
}

type Validators = {
  readonly [S in Exclude<keyof Volume, "name">]?: (source: NonNullable<Volume[S]>, path: string) => FieldError[];
};

const secretName = (secret: { name?: string } | undefined, path: string) =>
  secret === undefined ? [] : checkPresent(secret.name, `${path}.secretRef.name`);

const partition = (number: number | undefined, path: string) =>
  (number ?? 0) >= 0 && (number ?? 0) <= 255
    ? []
    : [fieldError.invalid(`${path}.partition`, number, inclusiveRangeError(1, 255))];

export const remoteSources: Validators = {
  gitRepo: ({ repository, directory }, path) => [
    ...checkPresent(repository, `${path}.repository`),
    ...checkDescendingPath(directory ?? "", `${path}.directory`),
  ],
  gcePersistentDisk: (disk, path) => [
    ...checkPresent(disk.pdName, `${path}.pdName`),
    ...partition(disk.partition, path),
  ],
  awsElasticBlockStore: (disk, path) => [
    ...checkPresent(disk.volumeID, `${path}.volumeID`),
    ...partition(disk.partition, path),
  ],
  nfs: validateNFS,
  iscsi: validateISCSI,
  glusterfs: present("endpoints", "path"),
  flocker: validateFlocker,
  rbd: present("monitors", "image"),
  cinder: ({ volumeID, secretRef }, path) => [
    ...checkPresent(volumeID, `${path}.volumeID`),
    ...secretName(secretRef, path),
  ],
  cephfs: present("monitors"),
  quobyte: validateQuobyte,
  fc: validateFC,
  flexVolume: validateFlex,
  azureFile: present("secretName", "shareName"),
  vsphereVolume: present("volumePath"),
  photonPersistentDisk: present("pdID"),
  portworxVolume: present("volumeID"),
  azureDisk: validateAzureDisk,
  storageos: validateStorageOS,
  scaleIO: present("gateway", "system", "volumeName"),
};

/** Also of PersistentVolumes, as those below. */
export function validateNFS({ server, path: exported = "" }: NFSVolumeSource, path: string): FieldError[] {
  const errors = [...checkPresent(server, `${path}.server`), ...checkPresent(exported, `${path}.path`)];
  if (!exported.startsWith("/")) errors.push(fieldError.invalid(`${path}.path`, exported, "must be an absolute path"));
  return errors;
}

const iscsiNames: readonly [string, RegExp][] = [
  ["iqn", /iqn\.[0-9]{4}-[0-9]{2}\.([0-9A-Za-z\-.]+)(:[^,;*&$|\s]+)$/],
  ["eui", /^eui.[0-9A-Za-z]{16}$/],
  ["naa", /^naa.[0-9A-Za-z]{32}$/],
];
const iscsiNameCharactersMax = 1024;

export function validateISCSI(iscsi: ISCSIVolumeSource, path: string): FieldError[] {
  const { targetPortal, iqn, lun = 0, chapAuthDiscovery, chapAuthSession, secretRef, initiatorName } = iscsi;
  const errors = checkPresent(targetPortal, `${path}.targetPortal`);
  if (!iqn) errors.push(fieldError.required(`${path}.iqn`));
  else errors.push(...validateISCSIName(iqn, `${path}.iqn`));
  if (lun < 0 || lun > 255) errors.push(fieldError.invalid(`${path}.lun`, lun, inclusiveRangeError(0, 255)));
  if ((chapAuthDiscovery || chapAuthSession) && secretRef === undefined) {
    errors.push(fieldError.required(`${path}.secretRef`));
  }
  if (initiatorName !== undefined) errors.push(...validateISCSIName(initiatorName, `${path}.initiatorname`));
  return errors;
}

function validateISCSIName(name: string, path: string): FieldError[] {
  const kind = iscsiNames.find(([prefix]) => name.startsWith(prefix));
  if (kind === undefined) {
    return [fieldError.invalid(path, name, "must be valid format starting with iqn, eui, or naa")];
  }
  const good = name.length <= iscsiNameCharactersMax && kind[1].test(name);
  return good ? [] : [fieldError.invalid(path, name, "must be valid format")];
}

export function validateFlocker({ datasetName, datasetUUID }: FlockerVolumeSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!datasetName && !datasetUUID) {
    errors.push(fieldError.required(path, "one of datasetName and datasetUUID is required"));
  }
  if (datasetName && datasetUUID) {
    const detail = "datasetName and datasetUUID can not be specified simultaneously";
    errors.push(fieldError.invalid(path, "resource", detail));
  }
  if (datasetName?.includes("/")) {
    errors.push(fieldError.invalid(`${path}.datasetName`, datasetName, "must not contain '/'"));
  }
  return errors;
}

export function validateQuobyte({ registry, tenant, volume }: QuobyteVolumeSource, path: string): FieldError[] {
  const pairs = "must be a host:port pair or multiple pairs separated by commas";
  const errors: FieldError[] = [];
  if (!registry) errors.push(fieldError.required(`${path}.registry`, pairs));
  else if (utf8Length(tenant ?? "") >= 65) {
    const detail = "must be a UUID and may not exceed a length of 64 characters";
    errors.push(fieldError.required(`${path}.tenant`, detail));
  } else {
    for (const pair of registry.split(",")) {
      if (!isHostPort(pair)) errors.push(fieldError.invalid(`${path}.registry`, registry, pairs));
    }
  }
  return [...errors, ...checkPresent(volume, `${path}.volume`)];
}

/** net.SplitHostPort: one colon, or brackets around what has more. Either side may be empty. */
const isHostPort = (text: string) => /^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/.test(text);

export function validateFC({ targetWWNs = [], wwids = [], lun }: FCVolumeSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const at = `${path}.targetWWNs`;
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.push(fieldError.required(at, "must specify either targetWWNs or wwids, but not both"));
  }
  if (targetWWNs.length > 0 && wwids.length > 0) {
    errors.push(fieldError.invalid(at, targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
  }
  if (targetWWNs.length === 0) return errors;
  if (lun === undefined) errors.push(fieldError.required(`${path}.lun`, "lun is required if targetWWNs is specified"));
  else if (lun < 0 || lun > 255) errors.push(fieldError.invalid(`${path}.lun`, lun, inclusiveRangeError(0, 255)));
  return errors;
}

export function validateFlex({ driver, options }: FlexVolumeSource, path: string): FieldError[] {
  const reserved = Object.keys(options ?? {}).filter((key) =>
    /\.(?:kubernetes|k8s)\.io$/i.test(`.${key.split("/")[0]}`)
  );
  const detail = "kubernetes.io and k8s.io namespaces are reserved";
  return [
    ...checkPresent(driver, `${path}.driver`),
    ...reserved.map((key) => fieldError.invalid(`${path}.options[${key}]`, key, detail)),
  ];
}

export function validateAzureDisk(disk: AzureDiskVolumeSource, path: string): FieldError[] {
  const { diskName, diskURI = "", cachingMode, kind } = disk;
  const errors = [...checkPresent(diskName, `${path}.diskName`), ...checkPresent(diskURI, `${path}.diskURI`)];
  const optional = (field: string, value: string | undefined, supported: readonly string[]) => {
    if (value === undefined || supported.includes(value)) return;
    errors.push(fieldError.notSupported(`${path}.${field}`, value, supported));
  };
  optional("cachingMode", cachingMode, ["None", "ReadOnly", "ReadWrite"]);
  optional("kind", kind, ["Dedicated", "Managed", "Shared"]);
  const [prefix, example] = kind === "Managed"
    ? [
      "/subscriptions/",
      "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}",
    ]
    : ["https://", "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd"];
  if (kind !== undefined && !diskURI.startsWith(prefix)) {
    errors.push(fieldError.notSupported(`${path}.diskURI`, diskURI, [example]));
  }
  return errors;
}

function validateStorageOS(storage: StorageOSVolumeSource, path: string): FieldError[] {
  const { volumeName, volumeNamespace, secretRef } = storage;
  return [
    ...(volumeName ? checkDNSLabel(volumeName, `${path}.volumeName`) : [fieldError.required(`${path}.volumeName`)]),
    ...(volumeNamespace ? checkDNSLabel(volumeNamespace, `${path}.volumeNamespace`) : []),
    ...secretName(secretRef, path),
  ];
}
