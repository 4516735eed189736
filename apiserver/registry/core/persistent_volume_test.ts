import assert from "assert";
import {
  context,
  created,
  createErrors,
  defaulted,
  header,
  isIdempotent,
  row,
  updateErrors,
} from "../meta/kind_scene.ts";
import { persistentVolume } from "./persistent_volume.ts";

type Spec = Record<string, unknown>;

const plain = { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" } };
const host = { ...plain, hostPath: { path: "/data" } };
const affinity = (key: string) => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: "In", values: ["a"] }] }] },
});

Deno.test("persistentVolume is kept, has a file system and begins pending", () => {
  const object = created(persistentVolume, { spec: host });
  assert.deepEqual(object.spec, {
    ...host,
    hostPath: { path: "/data", type: "" },
    persistentVolumeReclaimPolicy: "Retain",
    volumeMode: "Filesystem",
  } as unknown);
  assert.deepEqual(object.status, { phase: "Pending", lastPhaseTransitionTime: "2026-01-02T03:04:05Z" });
  assert.ok(isIdempotent(persistentVolume, { spec: host }));
  const { rbd } = defaulted(persistentVolume, { spec: { ...plain, rbd: { monitors: ["a"], image: "b" } } }).spec;
  assert.deepEqual(rbd, { monitors: ["a"], image: "b", pool: "rbd", user: "admin", keyring: "/etc/ceph/keyring" });
});

Deno.test("persistentVolume says all that is wrong", () => {
  const table: [Spec, string[]][] = [
    [host, []],
    [{}, [
      "spec.accessModes: Required value",
      "spec.capacity: Required value",
      'spec.capacity: Unsupported value: {}: supported values: "storage"',
      "spec: Required value: must specify a volume type",
    ]],
    [{ ...host, accessModes: ["ReadWriteOncePod", "ReadWriteOnce", "Odd"] }, [
      'spec.accessModes: Unsupported value: "Odd": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", ' +
      '"ReadWriteOncePod"',
      "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
    ]],
    [{ ...host, capacity: { storage: "-1" } }, [
      'spec.capacity[storage]: Invalid value: "-1": must be a valid resource quantity',
      'spec.capacity[storage]: Invalid value: "-1": must be greater than zero',
    ]],
    [{ ...host, persistentVolumeReclaimPolicy: "Keep", volumeMode: "Tape", storageClassName: "A" }, [
      'spec.persistentVolumeReclaimPolicy: Unsupported value: "Keep": supported values: "Delete", "Recycle", "Retain"',
      'spec.storageClassName: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric ' +
      "characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for " +
      "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ]],
    [{ ...plain, hostPath: { path: "/" }, persistentVolumeReclaimPolicy: "Recycle" }, [
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ]],
    [{ ...plain, hostPath: { path: "/a/../b" }, nfs: { server: "a", path: "/b" }, cephfs: { monitors: [] } }, [
      "spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
      "spec.nfs: Forbidden: may not specify more than 1 volume type",
      "spec.cephFS: Forbidden: may not specify more than 1 volume type",
    ]],
    [{ ...plain, local: { path: "/mnt" } }, ["spec.nodeAffinity: Required value: Local volume requires node affinity"]],
    [{ ...plain, local: { path: "/mnt" }, nodeAffinity: affinity("kubernetes.io/hostname") }, []],
    [{ ...host, nodeAffinity: {} }, [
      "spec.nodeAffinity.required: Required value: must specify required node constraints",
    ]],
    [{ ...plain, nfs: { server: "", path: "b" } }, [
      "spec.nfs.server: Required value",
      'spec.nfs.path: Invalid value: "b": must be an absolute path',
    ]],
    [{ ...plain, csi: { driver: "", volumeHandle: "", nodePublishSecretRef: { name: "a" } } }, [
      "spec.csi.driver: Required value",
      'spec.csi.driver: Invalid value: "": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, ' +
      "'-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
      "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
      "spec.csi.volumeHandle: Required value",
      "spec.csi.nodePublishSecretRef.namespace: Required value",
    ]],
    [{ ...plain, cinder: { volumeID: "", secretRef: {} } }, [
      "spec.cinder.volumeID: Required value",
      "spec.cinder.secretRef.name: Required value",
      "spec.cinder.secretRef.namespace: Required value",
    ]],
    [{ ...plain, gcePersistentDisk: { pdName: "" } }, ["spec.persistentDisk.pdName: Required value"]],
    [{ ...plain, glusterfs: { endpoints: "e", path: "p", endpointsNamespace: "" } }, [
      'spec.glusterfs.endpointsNamespace: Invalid value: "": if the endpointnamespace is set, it must be a valid namespace name',
    ]],
    [{ ...plain, azureFile: { secretName: "", shareName: "s", secretNamespace: "" } }, [
      "spec.azureFile.secretName: Required value",
      "spec.azureFile.secretNamespace: Required value",
    ]],
    [{ ...host, volumeAttributesClassName: "" }, [
      "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
      "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
    ]],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(persistentVolume, { spec }), expected);
});

Deno.test("persistentVolume's bytes stay where they are", () => {
  const old = created(persistentVolume, {
    spec: { ...host, nodeAffinity: affinity("failure-domain.beta.kubernetes.io/zone") },
  });
  const change = (spec: Spec) => updateErrors(persistentVolume, old, (volume) => Object.assign(volume.spec, spec));
  assert.deepEqual(change({ capacity: { storage: "2Gi" }, persistentVolumeReclaimPolicy: "Delete" }), []);
  assert.deepEqual(change({ nodeAffinity: affinity("topology.kubernetes.io/zone") }), []);
  assert.deepEqual(change({ hostPath: { path: "/other", type: "" }, volumeMode: "Block" }), [
    "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n" +
    '  spec.hostPath.path: "/data" -> "/other"',
    'volumeMode: Invalid value: "Block": field is immutable',
  ]);
  const moved = affinity("topology.kubernetes.io/region");
  assert.deepEqual(change({ nodeAffinity: moved }), [
    `nodeAffinity: Invalid value: ${
      JSON.stringify(moved)
    }: field is immutable, except for updating from beta label to GA`,
  ]);
  const csi = created(persistentVolume, { spec: { ...plain, csi: { driver: "a.b", volumeHandle: "c" } } });
  const secret = { name: "s", namespace: "n" };
  const errors = updateErrors(persistentVolume, csi, ({ spec }) => spec.csi!.controllerExpandSecretRef = secret);
  assert.deepEqual(errors, []);
});

Deno.test("persistentVolume remembers when its phase changed", () => {
  const old = created(persistentVolume, { spec: host });
  old.status.lastPhaseTransitionTime = "2026-01-01T00:00:00Z";
  const object = structuredClone(old);
  persistentVolume.prepareStatus!(object, old, context);
  assert.equal(object.status.lastPhaseTransitionTime, "2026-01-01T00:00:00Z");
  object.status.phase = "Bound";
  persistentVolume.prepareStatus!(object, old, context);
  assert.equal(object.status.lastPhaseTransitionTime, "2026-01-02T03:04:05Z");
});

Deno.test("persistentVolume columns are kubectl's", () => {
  assert.equal(
    header(persistentVolume),
    "Name, Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, VolumeMode*",
  );
  const spec = {
    ...host,
    accessModes: ["ReadOnlyMany", "ReadWriteOnce"],
    claimRef: { namespace: "n", name: "c" },
    storageClassName: "fast",
  };
  const object = created(persistentVolume, { spec });
  assert.equal(row(persistentVolume, object), "web 1Gi RWO,ROX Retain Pending n/c fast <unset>  0s | Filesystem");
  object.metadata.deletionTimestamp = "2026-01-02T03:04:05Z";
  assert.match(row(persistentVolume, object), / Terminating /);
});
