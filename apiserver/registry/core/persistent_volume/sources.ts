/** Where the bytes of a PersistentVolume are: exactly one source (ValidatePersistentVolumeSpec). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  CSIPersistentVolumeSource,
  ISCSIPersistentVolumeSource,
  PersistentVolumeSource,
  PersistentVolumeSpec,
  SecretReference,
} from "../../../../lib/types/core_v1.ts";
import { isDNS1123Label, isDNS1123Subdomain, utf8Length } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkNoBacksteps } from "../pod_spec/paths.ts";
import { remoteSources } from "../pod_spec/volume_sources.ts";
import { validateCSIDriverName, validateHostPath } from "../pod_spec/volumes.ts";

type Source = keyof PersistentVolumeSource;
type Validators = {
  readonly [S in Source]: (source: NonNullable<PersistentVolumeSource[S]>, path: string) => FieldError[];
};

/** Those that pods have, too, in the same form. */
const shared = (name: keyof typeof remoteSources) =>
  remoteSources[name] as (source: unknown, path: string) => FieldError[];

const required = (value: string | undefined, path: string) => value ? [] : [fieldError.required(path)];

/** A secret of a cluster-wide object needs a namespace. */
function validateSecret(secret: SecretReference | undefined, path: string): FieldError[] {
  if (secret === undefined) return [];
  return [...required(secret.name, `${path}.name`), ...required(secret.namespace, `${path}.namespace`)];
}

/** In the order in which Kubernetes looks for them: the first is the volume, the others are too many. */
const validators: Validators = {
  hostPath: validateHostPath,
  gcePersistentDisk: shared("gcePersistentDisk"),
  awsElasticBlockStore: shared("awsElasticBlockStore"),
  glusterfs: (
    source,
    path,
  ) => [...shared("glusterfs")(source, path), ...validateNamespace(source.endpointsNamespace, path)],
  flocker: shared("flocker"),
  nfs: shared("nfs"),
  rbd: shared("rbd"),
  quobyte: shared("quobyte"),
  cephfs: shared("cephfs"),
  iscsi: shared("iscsi"),
  cinder: ({ volumeID, secretRef }, path) => [
    ...required(volumeID, `${path}.volumeID`),
    ...validateSecret(secretRef, `${path}.secretRef`),
  ],
  fc: shared("fc"),
  flexVolume: shared("flexVolume"),
  azureFile: (source, path) => [
    ...shared("azureFile")(source, path),
    ...(source.secretNamespace === "" ? [fieldError.required(`${path}.secretNamespace`)] : []),
  ],
  vsphereVolume: shared("vsphereVolume"),
  photonPersistentDisk: shared("photonPersistentDisk"),
  portworxVolume: shared("portworxVolume"),
  azureDisk: shared("azureDisk"),
  scaleIO: shared("scaleIO"),
  local: ({ path: local }, path) =>
    local ? checkNoBacksteps(local, `${path}.path`) : [fieldError.required(`${path}.path`)],
  storageos: ({ secretRef, ...source }, path) => [
    ...shared("storageos")(source, path),
    ...validateSecret(secretRef, `${path}.secretRef`),
  ],
  csi: validateCSI,
};

export const sourceNames = Object.keys(validators) as Source[];
/** Fields that Kubernetes calls otherwise in its messages. */
const fieldOf: { readonly [S in Source]?: string } = { gcePersistentDisk: "persistentDisk" };
const excessFieldOf: { readonly [S in Source]?: string } = { cephfs: "cephFS" };

/** `name`: of the volume. */
export function validateSources(spec: PersistentVolumeSpec, name: string, path: string): FieldError[] {
  const [first, ...more] = sourceNames.filter((source) => spec[source] !== undefined);
  if (first === undefined) return [fieldError.required(path, "must specify a volume type")];
  const validate = validators[first] as (source: unknown, path: string) => FieldError[];
  const errors = validate(spec[first], `${path}.${fieldOf[first] ?? first}`);
  if (first === "iscsi") errors.push(...validatePortal(spec.iscsi!, name, `${path}.iscsi`));
  if (first === "local" && spec.nodeAffinity === undefined) {
    errors.push(fieldError.required(`${path}.nodeAffinity`, "Local volume requires node affinity"));
  }
  const excess = "may not specify more than 1 volume type";
  return [
    ...errors,
    ...more.map((source) => fieldError.forbidden(`${path}.${excessFieldOf[source] ?? source}`, excess)),
  ];
}

function validateNamespace(namespace: string | undefined, path: string): FieldError[] {
  if (namespace === undefined) return [];
  const at = `${path}.endpointsNamespace`;
  if (namespace !== "") return invalids(at, namespace, isDNS1123Label(namespace));
  const detail = "if the endpointnamespace is set, it must be a valid namespace name";
  return [fieldError.invalid(at, namespace, detail)];
}

function validatePortal(iscsi: ISCSIPersistentVolumeSource, name: string, path: string): FieldError[] {
  const { initiatorName, targetPortal = "" } = iscsi;
  if (initiatorName === undefined || utf8Length(`${name}:${targetPortal}`) <= 64) return [];
  const detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if " +
    "iscsi.initiatorName is specified.";
  return [fieldError.invalid(`${path}.targetportal`, targetPortal, detail)];
}

const csiSecrets = [
  "controllerPublishSecretRef",
  "controllerExpandSecretRef",
  "nodePublishSecretRef",
  "nodeExpandSecretRef",
] as const;

function validateCSI(csi: CSIPersistentVolumeSource, path: string): FieldError[] {
  const errors = [
    ...validateCSIDriverName(csi.driver ?? "", `${path}.driver`),
    ...required(csi.volumeHandle, `${path}.volumeHandle`),
  ];
  for (const field of csiSecrets) {
    const secret = csi[field];
    if (secret === undefined) continue;
    const { name = "", namespace = "" } = secret;
    errors.push(
      ...validateSecret(secret, `${path}.${field}`),
      ...(name === "" ? [] : invalids(`${path}.${field}.name`, name, isDNS1123Subdomain(name))),
      ...(namespace === "" ? [] : invalids(`${path}.${field}.namespace`, namespace, isDNS1123Label(namespace))),
    );
  }
  return errors;
}
