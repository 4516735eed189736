/**
 * The least that is valid of each kind: all that a new kind needs to be walked (walk_test.ts). Names, namespaces and everything else of
 * metadata are given by the walk.
 */
import { createKey, createRequest } from "../../../lib/pki/request.ts";
import type { Resource } from "../../../apiserver/rest/resource.ts";

export type Json = Record<string, unknown>;

export interface Sample {
  /** Without apiVersion, kind and metadata. */
  object: Json;
  /** Where not every name will do. Distinct for distinct numbers. */
  name?(n: number): string;
  /** A merge patch of what may change after a create. Demanded of kinds whose generation counts. */
  change?: Json;
  /** A merge patch of the status, without `{ status }` around it. Demanded of kinds that have one. */
  status?: Json;
}

const podSpec = { containers: [{ name: "a", image: "example.com/a:1" }] };
const labels = { app: "walk" };
const selector = { matchLabels: labels };
const template = { metadata: { labels }, spec: podSpec };
const once = { ...template, spec: { ...podSpec, restartPolicy: "Never" } };
const scaled = { change: { spec: { replicas: 2 } }, status: { replicas: 1, observedGeneration: 1 } };
const condition = { type: "Walked", status: "True", reason: "Walk", lastTransitionTime: "2024-01-02T03:04:05Z" };
const scaleTargetRef = { apiVersion: "apps/v1", kind: "Deployment", name: "web" };
const rules = [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }];
const subjects = [{ kind: "User", name: "walked", apiGroup: "rbac.authorization.k8s.io" }];
const roleRef = (kind: string) => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: "walked" });
const request = btoa(await createRequest(await createKey(), { commonName: "ann", organizations: ["ops"] }));
const provisioner = "example.com/disks";
const limit = { name: "p", priorityLevelConfiguration: { name: "global-default" } };

const core: Record<string, Sample> = {
  ConfigMap: { object: { data: { a: "1" } }, change: { data: { a: "2" } } },
  Endpoints: {
    object: { subsets: [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 80, protocol: "TCP" }] }] },
    change: { subsets: null },
  },
  Event: {
    object: {
      involvedObject: { kind: "Pod", name: "a", namespace: "walk" },
      reason: "Walk",
      source: { component: "w" },
    },
    change: { message: "again" },
  },
  LimitRange: {
    object: { spec: { limits: [{ type: "Pod" }] } },
    change: { spec: { limits: [{ type: "Container" }] } },
  },
  Namespace: { object: {}, status: { conditions: [condition] } },
  Node: { object: { spec: {} }, change: { spec: { unschedulable: true } }, status: { conditions: [condition] } },
  PersistentVolume: {
    object: {
      spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/data" } },
    },
    change: { spec: { persistentVolumeReclaimPolicy: "Delete" } },
    status: { phase: "Available" },
  },
  PersistentVolumeClaim: {
    object: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
    status: { phase: "Lost" },
  },
  Pod: { object: { spec: podSpec }, change: { spec: { activeDeadlineSeconds: 60 } }, status: { phase: "Running" } },
  PodTemplate: { object: { template }, change: { template: { spec: { hostname: "h" } } } },
  ReplicationController: { object: { spec: { selector: labels, template } }, ...scaled },
  ResourceQuota: {
    object: { spec: { hard: { "count/walks.example.com": "9" } } },
    change: { spec: { hard: { "count/walks.example.com": "8" } } },
    status: { used: { "count/walks.example.com": "1" } },
  },
  Secret: { object: { data: { a: "MQ==" } }, change: { data: { a: "Mg==" } } },
  Service: {
    object: { spec: { selector: labels, ports: [{ port: 80 }] } },
    change: { spec: { sessionAffinity: "ClientIP" } },
    status: { conditions: [condition] },
  },
  ServiceAccount: { object: {}, change: { automountServiceAccountToken: false } },
};

const workloads: Record<string, Sample> = {
  "apps ControllerRevision": { object: { revision: 1, data: { a: 1 } }, change: { revision: 2 } },
  "apps DaemonSet": {
    object: { spec: { selector, template } },
    change: { spec: { minReadySeconds: 5 } },
    status: { observedGeneration: 1 },
  },
  "apps Deployment": { object: { spec: { selector, template } }, ...scaled },
  "apps ReplicaSet": { object: { spec: { selector, template } }, ...scaled },
  "apps StatefulSet": { object: { spec: { selector, template, serviceName: "s" } }, ...scaled },
  "batch CronJob": {
    object: { spec: { schedule: "@daily", jobTemplate: { spec: { template: once } } } },
    change: { spec: { suspend: true } },
    status: { lastScheduleTime: "2024-01-02T03:04:05Z" },
  },
  "batch Job": {
    object: { spec: { template: once } },
    change: { spec: { parallelism: 2 } },
    status: { startTime: "2024-01-02T03:04:05Z", active: 1 },
  },
  "autoscaling HorizontalPodAutoscaler": {
    object: { spec: { scaleTargetRef, maxReplicas: 2 } },
    change: { spec: { maxReplicas: 3 } },
    status: { currentReplicas: 1, desiredReplicas: 2 },
  },
  "policy PodDisruptionBudget": {
    object: { spec: { selector, minAvailable: 1 } },
    change: { spec: { minAvailable: 2 } },
    status: { disruptionsAllowed: 1 },
  },
  "scheduling.k8s.io PriorityClass": { object: { value: 7 }, change: { description: "seven" } },
};

const network: Record<string, Sample> = {
  "discovery.k8s.io EndpointSlice": {
    object: { addressType: "IPv4", endpoints: [{ addresses: ["192.0.2.1"] }] },
    change: { endpoints: [] },
  },
  "networking.k8s.io IPAddress": {
    object: { spec: { parentRef: { resource: "services", namespace: "walk", name: "a" } } },
    name: (n) => `10.96.${Math.floor(n / 250)}.${1 + n % 250}`,
    change: {},
  },
  "networking.k8s.io Ingress": {
    object: { spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } } },
    change: { spec: { defaultBackend: { service: { port: { number: 81 } } } } },
    status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
  },
  "networking.k8s.io IngressClass": {
    object: { spec: { controller: "example.com/ingress" } },
    change: { spec: { parameters: { kind: "Parameters", name: "a", scope: "Cluster" } } },
  },
  "networking.k8s.io NetworkPolicy": {
    object: { spec: { podSelector: {} } },
    change: { spec: { podSelector: selector } },
  },
  "networking.k8s.io ServiceCIDR": {
    object: { spec: { cidrs: ["10.97.0.0/24"] } },
    change: {},
    status: { conditions: [{ ...condition, message: "" }] },
  },
};

const storage: Record<string, Sample> = {
  "storage.k8s.io CSIDriver": { object: { spec: {} }, change: { spec: { storageCapacity: true } } },
  "storage.k8s.io CSINode": {
    object: { spec: { drivers: [] } },
    change: { spec: { drivers: [{ name: "example.com", nodeID: "n", topologyKeys: [] }] } },
  },
  "storage.k8s.io CSIStorageCapacity": { object: { storageClassName: "fast" }, change: { capacity: "1Gi" } },
  "storage.k8s.io StorageClass": { object: { provisioner }, change: { allowVolumeExpansion: true } },
  "storage.k8s.io VolumeAttachment": {
    object: { spec: { attacher: "example.com", nodeName: "n", source: { persistentVolumeName: "v" } } },
    change: {},
    status: { attached: true },
  },
  "storage.k8s.io VolumeAttributesClass": { object: { driverName: "example.com", parameters: { a: "1" } } },
};

const access: Record<string, Sample> = {
  "certificates.k8s.io CertificateSigningRequest": {
    object: { spec: { request, signerName: "example.com/signer", usages: ["client auth"] } },
    status: { conditions: [{ type: "Failed", status: "True", reason: "Walk" }] },
  },
  "coordination.k8s.io Lease": {
    object: { spec: { holderIdentity: "a" } },
    change: { spec: { holderIdentity: "b" } },
  },
  "events.k8s.io Event": {
    object: {
      eventTime: "2024-01-02T03:04:05.000006Z",
      reportingController: "example.com/walk",
      reportingInstance: "w",
      action: "Walk",
      reason: "Walk",
      type: "Normal",
      regarding: { kind: "Pod", name: "a", namespace: "walk" },
    },
    change: { series: { count: 2, lastObservedTime: "2024-01-02T03:05:05.000006Z" } },
  },
  "flowcontrol.apiserver.k8s.io FlowSchema": {
    object: {
      spec: {
        priorityLevelConfiguration: limit.priorityLevelConfiguration,
        rules: [{
          subjects: [{ kind: "User", user: { name: "ann" } }],
          nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/a"] }],
        }],
      },
    },
    change: { spec: { matchingPrecedence: 77 } },
    status: { conditions: [condition] },
  },
  "flowcontrol.apiserver.k8s.io PriorityLevelConfiguration": {
    object: { spec: { type: "Limited", limited: { limitResponse: { type: "Reject" } } } },
    change: { spec: { limited: { nominalConcurrencyShares: 7 } } },
    status: { conditions: [condition] },
  },
  "node.k8s.io RuntimeClass": { object: { handler: "runc" }, change: { scheduling: { nodeSelector: labels } } },
  "rbac.authorization.k8s.io ClusterRole": { object: { rules }, change: { rules: [] } },
  "rbac.authorization.k8s.io ClusterRoleBinding": {
    object: { subjects, roleRef: roleRef("ClusterRole") },
    change: { subjects: null },
  },
  "rbac.authorization.k8s.io Role": { object: { rules }, change: { rules: [] } },
  "rbac.authorization.k8s.io RoleBinding": {
    object: { subjects, roleRef: roleRef("Role") },
    change: { subjects: null },
  },
};

const all: Readonly<Record<string, Sample>> = { ...core, ...workloads, ...network, ...storage, ...access };

/** Throws for a kind that nobody has given one. */
export function sampleOf(resource: Resource): Sample {
  const { group, kind } = resource;
  const key = group === "" ? kind : `${group} ${kind}`;
  const sample = all[key];
  const add = (what: string) => new Error(`${key} has no ${what}: add one to tests/integration/walk/samples.ts`);
  if (sample === undefined) throw add("sample object");
  if (resource.generation && sample.change === undefined) throw add("`change` (its generation counts changes)");
  if (resource.status && sample.status === undefined) throw add("`status` (it has /status)");
  return sample;
}
