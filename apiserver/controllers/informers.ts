/** One informer per kind, shared by all controllers. Leaves out kinds that only the garbage collector watches: it keeps less of them. */
import type { Client } from "../../lib/client/client.ts";
import { byController, byNamespace } from "../../lib/informer/indexes.ts";
import { createInformer, type ListWatchInformer } from "../../lib/informer/informer.ts";
import { tokenNamespace, tokenSecretType } from "../../lib/join/bootstrap_token.ts";
import { settingsMap } from "../../lib/join/settings.ts";
import type { KubeObject } from "../../lib/kind.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { PersistentVolume, Pod, Service } from "../../lib/types/core_v1.ts";
import type { EndpointSlice } from "../../lib/types/discovery_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { accountTokenType, byAccount } from "./account_token.ts";
import { balancedPorts } from "./load_balancer.ts";
import { addressesOf } from "./service_cidr/address_plan.ts";

/** The namespace of an object that no controller owns; nothing for an owned one. */
const byOrphan = (object: KubeObject): readonly string[] =>
  byController(object).length === 0 ? byNamespace(object) : [];

const byNode = (pod: Pod): readonly string[] => pod.spec.nodeName === undefined ? [] : [pod.spec.nodeName];

/** `namespace/key=value` of one pair of a Service's selector: enough to find the candidates for a pod's labels. */
export function selectorPair(service: Service): readonly string[] {
  const key = Object.keys(service.spec.selector ?? {}).sort()[0];
  return key === undefined ? [] : [`${service.metadata.namespace}/${key}=${service.spec.selector![key]}`];
}

const byService = (slice: EndpointSlice): readonly string[] => {
  const name = slice.metadata.labels?.["kubernetes.io/service-name"];
  return name === undefined ? [] : [`${slice.metadata.namespace}/${name}`];
};

/** `namespace/name` of the claim that has the volume, or for which it is kept. */
const byClaim = ({ spec: { claimRef } }: PersistentVolume): readonly string[] =>
  claimRef === undefined ? [] : [`${claimRef.namespace}/${claimRef.name}`];

/** `fieldSelector` of the only ConfigMaps that a controller looks at. */
const rootCaSelector = "metadata.name=kube-root-ca.crt";

export function createInformers(client: Client, clock: Clock) {
  const owned = { controller: byController, orphan: byOrphan, namespace: byNamespace };
  return {
    pods: createInformer(client, kinds.Pod, { clock, indexes: { ...owned, node: byNode } }),
    nodes: createInformer(client, kinds.Node, { clock }),
    namespaces: createInformer(client, kinds.Namespace, { clock }),
    services: createInformer(client, kinds.Service, {
      clock,
      indexes: { namespace: byNamespace, selectorPair, balancedPort: balancedPorts, address: addressesOf },
    }),
    serviceCidrs: createInformer(client, kinds.ServiceCIDR, { clock }),
    ipAddresses: createInformer(client, kinds.IPAddress, { clock }),
    endpoints: createInformer(client, kinds.Endpoints, { clock }),
    endpointSlices: createInformer(client, kinds.EndpointSlice, { clock, indexes: { service: byService } }),
    deployments: createInformer(client, kinds.Deployment, { clock, indexes: { namespace: byNamespace } }),
    replicaSets: createInformer(client, kinds.ReplicaSet, { clock, indexes: owned }),
    daemonSets: createInformer(client, kinds.DaemonSet, { clock, indexes: { namespace: byNamespace } }),
    statefulSets: createInformer(client, kinds.StatefulSet, { clock, indexes: { namespace: byNamespace } }),
    persistentVolumeClaims: createInformer(client, kinds.PersistentVolumeClaim, {
      clock,
      indexes: { volume: ({ spec }) => spec.volumeName ? [spec.volumeName] : [] },
    }),
    persistentVolumes: createInformer(client, kinds.PersistentVolume, { clock, indexes: { claim: byClaim } }),
    podDisruptionBudgets: createInformer(client, kinds.PodDisruptionBudget, {
      clock,
      indexes: { namespace: byNamespace },
    }),
    horizontalPodAutoscalers: createInformer(client, kinds.HorizontalPodAutoscalerV2, { clock }),
    volumeAttributesClasses: createInformer(client, kinds.VolumeAttributesClass, { clock }),
    storageClasses: createInformer(client, kinds.StorageClass, { clock }),
    controllerRevisions: createInformer(client, kinds.ControllerRevision, { clock, indexes: owned }),
    cronJobs: createInformer(client, kinds.CronJob, { clock }),
    jobs: createInformer(client, kinds.Job, { clock, indexes: owned }),
    replicationControllers: createInformer(client, kinds.ReplicationController, { clock, indexes: owned }),
    serviceAccounts: createInformer(client, kinds.ServiceAccount, { clock }),
    accountTokens: createInformer(client, kinds.Secret, {
      clock,
      fieldSelector: `type=${accountTokenType}`,
      indexes: { account: byAccount },
    }),
    rootCas: createInformer(client, kinds.ConfigMap, { clock, fieldSelector: rootCaSelector }),
    clusterRoles: createInformer(client, kinds.ClusterRole, { clock }),
    resourceQuotas: createInformer(client, kinds.ResourceQuota, { clock, indexes: { namespace: byNamespace } }),
    leases: createInformer(client, kinds.Lease, { clock }),
    certificateSigningRequests: createInformer(client, kinds.CertificateSigningRequest, { clock }),
    bootstrapTokens: createInformer(client, kinds.Secret, {
      clock,
      namespace: tokenNamespace,
      fieldSelector: `type=${tokenSecretType}`,
    }),
    clusterSettings: createInformer(client, kinds.ConfigMap, {
      clock,
      namespace: settingsMap.namespace,
      fieldSelector: `metadata.name=${settingsMap.name}`,
    }),
  };
}

export type Informers = ReturnType<typeof createInformers>;

/** Runs all of them until the signal aborts. */
export async function runInformers(informers: Informers, signal: AbortSignal): Promise<void> {
  await Promise.all(
    Object.values(informers).map((informer) => (informer as ListWatchInformer<KubeObject>).run(signal)),
  );
}
