/** Where containers see volumes: as directories and as block devices. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, Volume, VolumeDevice, VolumeMount } from "../../../../lib/types/core_v1.ts";
import { checkPresent, checkSupported } from "./checks.ts";
import { checkDescendingPath, checkNoBacksteps } from "./paths.ts";

/** The pod's volumes that are valid themselves, by name. */
export type Volumes = ReadonlyMap<string, Volume>;

type Mounting = Pick<Container, "volumeMounts" | "volumeDevices" | "securityContext">;

/** `path` is the container's. */
export function validateMounts(container: Mounting, volumes: Volumes, path: string): FieldError[] {
  const mounts = container.volumeMounts ?? [];
  const devices = container.volumeDevices ?? [];
  return [
    ...validateVolumeMounts(mounts, devices, volumes, container, `${path}.volumeMounts`),
    ...validateVolumeDevices(devices, mounts, volumes, `${path}.volumeDevices`),
  ];
}

function validateVolumeMounts(
  mounts: readonly VolumeMount[],
  devices: readonly VolumeDevice[],
  volumes: Volumes,
  container: Mounting,
  path: string,
): FieldError[] {
  const mountPaths = new Set<string>();
  const deviceNames = new Set(devices.map((device) => device.name));
  const devicePaths = new Set(devices.map((device) => device.devicePath));
  return mounts.flatMap((mount, i) => {
    const at = `${path}[${i}]`;
    const [name, mountPath] = [mount.name ?? "", mount.mountPath ?? ""];
    const errors = checkPresent(name, `${at}.name`);
    if (!volumes.has(name)) errors.push(fieldError.notFound(`${at}.name`, name));
    errors.push(...checkPresent(mountPath, `${at}.mountPath`));
    if (mountPaths.has(mountPath)) errors.push(fieldError.invalid(`${at}.mountPath`, mountPath, "must be unique"));
    mountPaths.add(mountPath);
    if (deviceNames.has(name)) {
      errors.push(fieldError.invalid(`${at}.name`, name, "must not already exist in volumeDevices"));
    }
    if (devicePaths.has(mountPath)) {
      const detail = "must not already exist as a path in volumeDevices";
      errors.push(fieldError.invalid(`${at}.mountPath`, mountPath, detail));
    }
    return [...errors, ...validateMountOptions(mount, container, path, at)];
  });
}

/** Kubernetes reports some of these at the list (`list`), not at the mount. */
function validateMountOptions(mount: VolumeMount, container: Mounting, list: string, path: string): FieldError[] {
  const errors = mount.subPath ? checkDescendingPath(mount.subPath, `${list}.subPath`) : [];
  if (mount.subPathExpr) {
    if (mount.subPath) {
      const detail = "subPathExpr and subPath are mutually exclusive";
      errors.push(fieldError.invalid(`${path}.subPathExpr`, mount.subPathExpr, detail));
    }
    errors.push(...checkDescendingPath(mount.subPathExpr, `${list}.subPathExpr`));
  }
  return [
    ...errors,
    ...validatePropagation(mount.mountPropagation, container, `${list}.mountPropagation`),
    ...validateRecursiveReadOnly(mount, `${list}.recursiveReadOnly`),
  ];
}

function validatePropagation(propagation: string | undefined, container: Mounting, path: string): FieldError[] {
  if (propagation === undefined) return [];
  const errors = checkSupported(propagation, path, ["Bidirectional", "HostToContainer", "None"]);
  if (propagation === "Bidirectional" && container.securityContext?.privileged !== true) {
    const detail = "Bidirectional mount propagation is available only to privileged containers";
    errors.push(fieldError.forbidden(path, detail));
  }
  return errors;
}

function validateRecursiveReadOnly(mount: VolumeMount, path: string): FieldError[] {
  const { recursiveReadOnly, mountPropagation } = mount;
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return [];
  if (recursiveReadOnly !== "Enabled" && recursiveReadOnly !== "IfPossible") {
    return [fieldError.notSupported(path, recursiveReadOnly, ["Disabled", "Enabled", "IfPossible"])];
  }
  const errors: FieldError[] = [];
  if (!mount.readOnly) errors.push(fieldError.forbidden(path, "may only be specified when readOnly is true"));
  if (mountPropagation !== undefined && mountPropagation !== "None") {
    const detail = "may only be specified when mountPropagation is None or not specified";
    errors.push(fieldError.forbidden(path, detail));
  }
  return errors;
}

function validateVolumeDevices(
  devices: readonly VolumeDevice[],
  mounts: readonly VolumeMount[],
  volumes: Volumes,
  path: string,
): FieldError[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mountNames = new Set(mounts.map((mount) => mount.name));
  const mountPaths = new Set(mounts.map((mount) => mount.mountPath));
  return devices.flatMap(({ name = "", devicePath = "" }, i) => {
    const at = `${path}[${i}]`;
    const errors = checkPresent(name, `${at}.name`);
    const nameIs = (detail: string) => errors.push(fieldError.invalid(`${at}.name`, name, detail));
    const pathIs = (detail: string) => errors.push(fieldError.invalid(`${at}.devicePath`, devicePath, detail));
    if (names.has(name)) nameIs("must be unique");
    const volume = volumes.get(name);
    if (volume === undefined) errors.push(fieldError.notFound(`${at}.name`, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral) {
      nameIs("can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode");
    }
    errors.push(...checkPresent(devicePath, `${at}.devicePath`));
    if (paths.has(devicePath)) pathIs("must be unique");
    if (checkNoBacksteps(devicePath, path).length > 0) pathIs("can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mountNames.has(name)) nameIs("must not already exist in volumeMounts");
    if (mountPaths.has(devicePath)) pathIs("must not already exist as a path in volumeMounts");
    if (name !== "") names.add(name);
    return errors;
  });
}
