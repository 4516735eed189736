import assert from "assert";
import { errorsOf, type Loose, makeSpec, withVolume } from "./fixtures.ts";
import { validateVolumes } from "./volumes.ts";

const check = (cases: [string, Loose, string[]][]) => async (t: Deno.TestContext) => {
  for (const [name, source, expected] of cases) {
    const errors = errorsOf(withVolume(source)).map((error) => error.replace("volumes[0].", ""));
    await t.step(name, () => assert.deepEqual(errors, expected));
  }
};

const mode = "must be a number between 0 and 0777 (octal), both inclusive";

Deno.test(
  "validateVolumes() checks the sources that every node has",
  check([
    ["nothing is an emptyDir", {}, []],
    ["emptyDir", { emptyDir: { sizeLimit: "-1" } }, [
      "emptyDir.sizeLimit: Forbidden: SizeLimit field must be a valid resource quantity",
    ]],
    ["hostPath", { hostPath: { path: "/a/../b", type: "Pipe" } }, [
      "hostPath.path: Invalid value: \"/a/../b\": must not contain '..'",
      'hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
    ]],
    ["hostPath without a path", { hostPath: { path: "" } }, ["hostPath.path: Required value"]],
    ["secret", { secret: { defaultMode: 512, items: [{ key: "", path: "../x", mode: -1 }] } }, [
      "secret.secretName: Required value",
      `secret.defaultMode: Invalid value: 512: ${mode}`,
      "secret.items[0].key: Required value",
      "secret.items[0].path: Invalid value: \"../x\": must not contain '..'",
      `secret.items[0].mode: Invalid value: -1: ${mode}`,
    ]],
    ["configMap", { configMap: { items: [{ key: "k", path: "..data" }] } }, [
      "configMap.name: Required value",
      "configMap.items[0].path: Invalid value: \"..data\": must not start with '..'",
    ]],
    ["downwardAPI", {
      downwardAPI: {
        items: [
          { path: "a" },
          { path: "/b", fieldRef: { fieldPath: "status.podIP" } },
          { path: "c", resourceFieldRef: { resource: "limits.cpu" } },
        ],
      },
    }, [
      "downwardAPI: Required value: one of fieldRef and resourceFieldRef is required",
      'downwardAPI.path: Invalid value: "/b": must be a relative path',
      'downwardAPI.fieldRef.fieldPath: Unsupported value: "status.podIP": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"',
      "downwardAPI.resourceFieldRef.containerName: Required value",
    ]],
    ["csi", { csi: { driver: "CSI.example.com", nodePublishSecretRef: {} } }, [
      "csi.nodePublishSecretRef.name: Required value",
    ]],
    ["image", { image: { reference: "", pullPolicy: "Now" } }, [
      "image.reference: Required value",
      'image.pullPolicy: Unsupported value: "Now": supported values: "Always", "IfNotPresent", "Never"',
    ]],
    ["ephemeral", {
      ephemeral: {
        volumeClaimTemplate: {
          metadata: { name: "x" },
          spec: { accessModes: ["ReadWriteOncePod", "ReadWriteMany"], resources: { requests: { storage: "0" } } },
        },
      },
    }, [
      "ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set",
      "ephemeral.volumeClaimTemplate.spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
      'ephemeral.volumeClaimTemplate.spec.resources[storage]: Invalid value: "0": must be greater than zero',
    ]],
    ["two sources", { emptyDir: {}, configMap: { name: "c" }, cephfs: { monitors: ["a"] } }, [
      "cephFS: Forbidden: may not specify more than 1 volume type",
      "configMap: Forbidden: may not specify more than 1 volume type",
    ]],
  ]),
);

Deno.test(
  "validateVolumes() checks sources that need drivers",
  check([
    ["gitRepo", { gitRepo: { repository: "", directory: "/x" } }, [
      "gitRepo.repository: Required value",
      'gitRepo.directory: Invalid value: "/x": must be a relative path',
    ]],
    ["gcePersistentDisk", { gcePersistentDisk: { pdName: "", partition: 256 } }, [
      "persistentDisk.pdName: Required value",
      "persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive",
    ]],
    ["awsElasticBlockStore", { awsElasticBlockStore: { volumeID: "" } }, [
      "awsElasticBlockStore.volumeID: Required value",
    ]],
    ["nfs", { nfs: { server: "", path: "x" } }, [
      "nfs.server: Required value",
      'nfs.path: Invalid value: "x": must be an absolute path',
    ]],
    ["iscsi", { iscsi: { targetPortal: "", iqn: "disk", lun: 256, chapAuthSession: true, initiatorName: "iqn.x" } }, [
      "iscsi.targetPortal: Required value",
      'iscsi.iqn: Invalid value: "disk": must be valid format starting with iqn, eui, or naa',
      "iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive",
      "iscsi.secretRef: Required value",
      'iscsi.initiatorname: Invalid value: "iqn.x": must be valid format',
    ]],
    ["glusterfs", { glusterfs: { endpoints: "", path: "" } }, [
      "glusterfs.endpoints: Required value",
      "glusterfs.path: Required value",
    ]],
    ["flocker", { flocker: { datasetName: "a/b", datasetUUID: "c" } }, [
      'flocker: Invalid value: "resource": datasetName and datasetUUID can not be specified simultaneously',
      "flocker.datasetName: Invalid value: \"a/b\": must not contain '/'",
    ]],
    ["rbd", { rbd: { monitors: [], image: "" } }, ["rbd.monitors: Required value", "rbd.image: Required value"]],
    ["cinder", { cinder: { volumeID: "v", secretRef: {} } }, ["cinder.secretRef.name: Required value"]],
    ["cephfs", { cephfs: {} }, ["cephfs.monitors: Required value"]],
    ["quobyte", { quobyte: { registry: "a:1,b", volume: "" } }, [
      'quobyte.registry: Invalid value: "a:1,b": must be a host:port pair or multiple pairs separated by commas',
      "quobyte.volume: Required value",
    ]],
    ["fc", { fc: { targetWWNs: ["a"], wwids: ["b"] } }, [
      'fc.targetWWNs: Invalid value: ["a"]: targetWWNs and wwids can not be specified simultaneously',
      "fc.lun: Required value: lun is required if targetWWNs is specified",
    ]],
    [
      "flexVolume",
      { flexVolume: { driver: "", options: { "x.K8s.io/y": "1", "k8s.io": "2", "example.com/z": "3" } } },
      [
        "flexVolume.driver: Required value",
        'flexVolume.options[x.K8s.io/y]: Invalid value: "x.K8s.io/y": kubernetes.io and k8s.io namespaces are reserved',
        'flexVolume.options[k8s.io]: Invalid value: "k8s.io": kubernetes.io and k8s.io namespaces are reserved',
      ],
    ],
    ["azureFile", { azureFile: { secretName: "", shareName: "" } }, [
      "azureFile.secretName: Required value",
      "azureFile.shareName: Required value",
    ]],
    ["azureDisk", { azureDisk: { diskName: "d", diskURI: "http://x", kind: "Managed", cachingMode: "Some" } }, [
      'azureDisk.cachingMode: Unsupported value: "Some": supported values: "None", "ReadOnly", "ReadWrite"',
      'azureDisk.diskURI: Unsupported value: "http://x": supported values: "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}"',
    ]],
    ["storageos", { storageos: { volumeName: "", secretRef: {} } }, [
      "storageos.volumeName: Required value",
      "storageos.secretRef.name: Required value",
    ]],
    ["scaleIO", { scaleIO: { gateway: "g", system: "", secretRef: { name: "s" } } }, [
      "scaleIO.system: Required value",
      "scaleIO.volumeName: Required value",
    ]],
    ["others", { vsphereVolume: { volumePath: "" } }, ["vsphereVolume.volumePath: Required value"]],
  ]),
);

Deno.test(
  "validateVolumes() checks projected sources",
  check([
    ["tokens", {
      projected: {
        sources: [{ serviceAccountToken: { path: "", expirationSeconds: 1 } }, { secret: {}, configMap: {} }],
      },
    }, [
      "projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes",
      "projected.path: Required value",
      "projected.sources[1].secret.name: Required value",
      "projected.sources[1].configMap.name: Required value",
      "projected.sources[1]: Forbidden: may not specify more than 1 volume type per source",
    ]],
    ["the same file twice", {
      projected: {
        sources: [
          { configMap: { name: "c", items: [{ key: "a", path: "x" }] } },
          { secret: { name: "s", items: [{ key: "b", path: "y" }, { key: "b", path: "x" }] } },
        ],
      },
    }, ['projected: Invalid value: "s": conflicting duplicate paths']],
    ["trust bundles", {
      projected: {
        sources: [
          { clusterTrustBundle: { path: "a" } },
          { clusterTrustBundle: { path: "b", name: "example.com:signer:roots" } },
          { clusterTrustBundle: { path: "c", name: "x", signerName: "example.com/signer" } },
          { clusterTrustBundle: { path: "d", signerName: "signer" } },
        ],
      },
    }, [
      "projected.sources[0].clusterTrustBundle: Required value: either name or signerName must be specified",
      'projected.sources[2].clusterTrustBundle: Invalid value: {"path":"c","name":"x","signerName":"example.com/signer"}: only one of name and signerName may be used',
      "projected.sources[3].clusterTrustBundle.signerName: Invalid value: \"signer\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
    ]],
    ["certificates", {
      projected: {
        sources: [{
          podCertificate: {
            signerName: "kubernetes.io/kube-apiserver-client-pod",
            keyType: "DSA",
            maxExpirationSeconds: 86401,
            userAnnotations: { plain: "x" },
          },
        }],
      },
    }, [
      'projected.sources[0].podCertificate.userAnnotations: Invalid value: "plain": must be a domain-prefixed key (such as "acme.io/foo")',
      'projected.sources[0].podCertificate.keyType: Unsupported value: "DSA": supported values: "RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"',
      "projected.sources[0].podCertificate.maxExpirationSeconds: Invalid value: 86401: if provided, maxExpirationSeconds must be <= 86400",
      "projected.sources[0].podCertificate: Required value: specify at least one of credentialBundlePath, keyPath, and certificateChainPath",
    ]],
  ]),
);

Deno.test("validateVolumes() keeps names unique and leaves wrong volumes unmounted", () => {
  const spec = makeSpec({
    volumes: [{ name: "a" }, { name: "a" }, { name: "" }, { name: "b", nfs: { server: "", path: "/" } }],
  });
  const { errors, valid } = validateVolumes(spec.volumes, undefined, "volumes");
  assert.deepEqual(errors.map(({ field, message }) => `${field}: ${message}`), [
    'volumes[1].name: Duplicate value: "a"',
    "volumes[2].name: Required value",
    "volumes[3].nfs.server: Required value",
  ]);
  assert.deepEqual([...valid.keys()], ["a"]);
});

Deno.test("validateVolumes() refuses a claim that the pod itself makes", () => {
  const claim = { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } };
  const spec = makeSpec({
    volumes: [
      { name: "scratch", ephemeral: { volumeClaimTemplate: claim } },
      { name: "same", persistentVolumeClaim: { claimName: "web-scratch" } },
    ],
  });
  const errors = validateVolumes(spec.volumes, "web", "volumes").errors;
  assert.deepEqual(errors.map(({ field, message }) => `${field}: ${message}`), [
    'volumes[1].persistentVolumeClaim.claimName: Invalid value: "web-scratch": must not reference a PVC that gets created for an ephemeral volume',
  ]);
});
