/** The informers of the scheduler, each keeping only what scheduling needs: a cluster's pods are most of its memory. */
import type { Client } from "../../lib/client/client.ts";
import { createInformer, type InformerOptions, type ListWatchInformer } from "../../lib/informer/informer.ts";
import { apiVersionOf, type Kind, type KubeObject } from "../../lib/kind.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import { differsFromSpec } from "../../lib/quota/pod_resources.ts";
import type { Container, ContainerStatus, Pod } from "../../lib/types/core_v1.ts";
import type { APIResourceList } from "../../lib/types/meta_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";

/** Finished pods use nothing. */
const unfinished = "status.phase!=Succeeded,status.phase!=Failed";
const byNamespace = (object: KubeObject) => object.metadata.namespace === undefined ? [] : [object.metadata.namespace];

export interface Watches {
  pods: ListWatchInformer<Pod>;
  nodes: ListWatchInformer<KubeObjectOf<typeof kinds.Node>>;
  namespaces: ListWatchInformer<KubeObjectOf<typeof kinds.Namespace>>;
  services: ListWatchInformer<KubeObjectOf<typeof kinds.Service>>;
  replicationControllers: ListWatchInformer<KubeObjectOf<typeof kinds.ReplicationController>>;
  /** Kinds that the server need not serve. */
  replicaSets: ListWatchInformer<KubeObjectOf<typeof kinds.ReplicaSet>> | undefined;
  statefulSets: ListWatchInformer<KubeObjectOf<typeof kinds.StatefulSet>> | undefined;
  claims: ListWatchInformer<KubeObjectOf<typeof kinds.PersistentVolumeClaim>> | undefined;
  volumes: ListWatchInformer<KubeObjectOf<typeof kinds.PersistentVolume>> | undefined;
  storageClasses: ListWatchInformer<KubeObjectOf<typeof kinds.StorageClass>> | undefined;
  budgets: ListWatchInformer<KubeObjectOf<typeof kinds.PodDisruptionBudget>> | undefined;
}

type KubeObjectOf<K> = K extends Kind<infer T> ? T & KubeObject : never;

export async function createWatches(client: Client, clock: Clock): Promise<Watches> {
  const served = await servedKinds(client, [
    kinds.Pod,
    kinds.StatefulSet,
    kinds.PodDisruptionBudget,
    kinds.StorageClass,
  ]);
  function make<T extends KubeObject>(
    kind: Kind<T>,
    trim: (object: T) => T,
    options: Partial<InformerOptions<T>> = {},
  ) {
    return createInformer(client, kind, { clock, trim, ...options });
  }
  function optional<T extends KubeObject>(kind: Kind<T>, trim: (object: T) => T) {
    return served.has(nameOf(kind)) ? make(kind, trim) : undefined;
  }
  return {
    pods: make(kinds.Pod, trimPod, { fieldSelector: unfinished }),
    nodes: make(kinds.Node, (node) => ({ ...node, metadata: trimMeta(node.metadata) })),
    namespaces: make(kinds.Namespace, (namespace) => ({ ...namespace, metadata: trimMeta(namespace.metadata) })),
    services: make(kinds.Service, (service) => trimSpec(service, ({ selector }) => ({ selector })), {
      indexes: { namespace: byNamespace },
    }),
    replicaSets: optional(kinds.ReplicaSet, (set) => trimSpec(set, ({ selector }) => ({ selector }))),
    replicationControllers: make(kinds.ReplicationController, (set) => trimSpec(set, ({ selector }) => ({ selector }))),
    statefulSets: optional(
      kinds.StatefulSet,
      (set) => trimSpec(set, ({ selector }) => ({ selector }) as typeof set.spec),
    ),
    // Their annotations say how far they are bound.
    claims: optional(kinds.PersistentVolumeClaim, (claim) => claim),
    volumes: optional(kinds.PersistentVolume, (volume) => volume),
    storageClasses: optional(kinds.StorageClass, (found) => found),
    budgets: optional(kinds.PodDisruptionBudget, (budget) => ({ ...budget, metadata: trimMeta(budget.metadata) })),
  };
}

export const informersOf = (watches: Watches) =>
  Object.values(watches).filter((informer) => informer !== undefined) as ListWatchInformer<KubeObject>[];

const nameOf = ({ group, plural }: Pick<Kind, "group" | "plural">) => `${plural}.${group}`;

/** The resources that the server has in the groups of these kinds. */
async function servedKinds(client: Client, of: readonly Pick<Kind, "group" | "version">[]): Promise<Set<string>> {
  const names = new Set<string>();
  for (const { group, version } of of) {
    const path = group === "" ? `/api/${version}` : `/apis/${apiVersionOf({ group, version })}`;
    try {
      const list: APIResourceList = await (await client.raw("GET", path)).json();
      for (const { name } of list.resources) names.add(nameOf({ group, plural: name }));
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }
  return names;
}

function trimMeta<M extends KubeObject["metadata"]>(metadata: M): M {
  const { managedFields: _, annotations: __, ...kept } = metadata;
  return kept as M;
}

function trimSpec<T extends { metadata: KubeObject["metadata"]; spec: object }>(
  object: T,
  keep: (spec: T["spec"]) => Partial<T["spec"]>,
): T {
  return { ...object, metadata: trimMeta(object.metadata), spec: keep(object.spec), status: {} };
}

/** Leaves of a pod's containers what they request, where they listen and their image. */
function trimPod(pod: Pod): Pod {
  const { containers, initContainers, ...spec } = pod.spec;
  const { phase, nominatedNodeName, conditions, startTime } = pod.status;
  const trim = (list: Pod["spec"]["containers"]) =>
    list.map(({ name, image, resources, ports, restartPolicy }) => ({ name, image, resources, ports, restartPolicy }));
  const containerStatuses = resized(containers, pod.status.containerStatuses);
  const initContainerStatuses = resized(initContainers ?? [], pod.status.initContainerStatuses);
  return {
    ...pod,
    metadata: trimMeta(pod.metadata),
    spec: {
      ...spec,
      containers: trim(containers),
      ...(initContainers ? { initContainers: trim(initContainers) } : {}),
    },
    status: {
      phase,
      nominatedNodeName,
      conditions,
      startTime,
      ...(containerStatuses.length > 0 ? { containerStatuses } : {}),
      ...(initContainerStatuses.length > 0 ? { initContainerStatuses } : {}),
    },
  };
}

/** The statuses of containers that have something else than they ask for, with no more than that. */
function resized(containers: readonly Container[], statuses: readonly ContainerStatus[] = []): ContainerStatus[] {
  return statuses.flatMap((status) => {
    const container = containers.find(({ name }) => name === status.name);
    if (container === undefined || !differsFromSpec(container, status)) return [];
    const { name, resources, allocatedResources } = status;
    return [{ name, resources, allocatedResources } as ContainerStatus];
  });
}
