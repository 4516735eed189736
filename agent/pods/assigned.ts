/**
 * The pods that this node is to run: those that the API assigns to it, and, until the API has answered, those of the checkpoint. A pod
 * that the API no longer knows is still told of, as unwanted, until it is forgotten: somebody has to bring it down.
 */
import type { Informer } from "../../lib/informer/informer.ts";
import type { Pod } from "../../lib/types/core_v1.ts";

export interface Assigned {
  get(uid: string): { readonly pod: Pod; readonly wanted: boolean } | undefined;
  uids(): Iterable<string>;
  byName(namespace: string, name: string): Pod | undefined;
  /** The API has answered. */
  readonly hasSynced: boolean;
  forget(uid: string): void;
  onChange(listener: (uid: string) => void): void;
}

export function createAssigned(informer: Informer<Pod>, checkpointed: readonly Pod[]): Assigned {
  const lastSeen = new Map<string, Pod>(checkpointed.map((pod) => [pod.metadata.uid, pod]));
  const present = new Map<string, Pod>();
  const listeners = new Set<(uid: string) => void>();
  const tell = (uid: string) => {
    for (const listener of listeners) listener(uid);
  };
  informer.onChange(({ old, now }) => {
    if (old !== undefined && old.metadata.uid !== now?.metadata.uid) {
      present.delete(old.metadata.uid);
      tell(old.metadata.uid);
    }
    if (now === undefined) return;
    present.set(now.metadata.uid, now);
    lastSeen.set(now.metadata.uid, now);
    tell(now.metadata.uid);
  });
  void informer.synced.then(() => {
    for (const uid of [...lastSeen.keys()]) tell(uid);
  });
  return {
    get(uid) {
      const now = present.get(uid);
      if (now !== undefined) return { pod: now, wanted: true };
      const before = lastSeen.get(uid);
      return before === undefined ? undefined : { pod: before, wanted: !informer.hasSynced };
    },
    uids: () => lastSeen.keys(),
    byName: (namespace, name) =>
      informer.get(`${namespace}/${name}`) ??
        [...lastSeen.values()].find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
    get hasSynced() {
      return informer.hasSynced;
    },
    forget(uid) {
      if (!present.has(uid)) lastSeen.delete(uid);
    },
    onChange: (listener) => void listeners.add(listener),
  };
}

/** What little is known of a pod of which only containers are left: enough to stop them. */
export function podOfContainers(
  uid: string,
  { podName, podNamespace }: { podName: string; podNamespace: string },
  containers: Iterable<string>,
): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: podName, namespace: podNamespace, uid, resourceVersion: "", creationTimestamp: "" },
    spec: { containers: [...containers].map((name) => ({ name })) },
    status: {},
  };
}
